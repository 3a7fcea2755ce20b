using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using Xunit;
using Xunit.Runner.Common;
using Xunit.Sdk;
using Xunit.v3;

namespace Mutation;

/// <summary>
/// The tests over a fresh copy of the mutated library: its assemblies are loaded anew, so that nothing static is left of the mutant before. libtorch and the test framework, which take
/// long to start, are shared.
/// </summary>
internal sealed class TestBench : AssemblyLoadContext
{
    private readonly string _library;
    private readonly FieldInfo _reached;

    /// <summary>Loads the library and the tests and sets up everything static in the library.</summary>
    /// <param name="library">The mutated library.</param>
    /// <param name="size">One more than the greatest number of a mutant.</param>
    /// <param name="active">The mutant to switch on; −1 for none, which records the mutants that are reached.</param>
    public TestBench(string library, int size, int active) : base(isCollectible: false)
    {
        _library = library;
        var assembly = LoadFromAssemblyPath(library);
        var mutants = assembly.GetType("Diffusion.Mutants", throwOnError: true)!;
        _reached = mutants.GetField("Reached")!;
        if (active < 0) _reached.SetValue(null, new bool[size]);
        mutants.GetField("Active")!.SetValue(null, active);
        Tests = LoadFromAssemblyPath(Path.Combine(AppContext.BaseDirectory, "Diffusion.Tests.dll"));
        foreach (var type in assembly.GetTypes().Where(type => !type.ContainsGenericParameters)) Initialize(type);
        OfLibrary = Reached();
    }

    /// <summary>The tests.</summary>
    public Assembly Tests { get; }

    /// <summary>The mutants that the library's static members reach.</summary>
    public IReadOnlyList<int> OfLibrary { get; }

    /// <summary>Runs tests of one class.</summary>
    /// <param name="testClass">Its full name.</param>
    /// <param name="wanted">The test cases to run; null for all, and all where one is no longer found: the mutant has changed what the tests are made of.</param>
    /// <param name="watch">Told of every message.</param>
    /// <param name="stopAtFailure">Whether to stop at the first failure.</param>
    public async Task Run(string testClass, IReadOnlySet<string>? wanted, Func<IMessageSinkMessage, bool> watch, bool stopAtFailure)
    {
        using var scope = EnterContextualReflection(); // what the framework loads by name is ours
        var type = Tests.GetType(testClass, throwOnError: true)!;
        Initialize(type);
        TestContext.SetForInitialization(null, false, false);
        var framework = new XunitTestFramework();
        var cases = new List<ITestCase>();
        var discovery = TestFrameworkOptions.ForDiscovery(new TestAssemblyConfiguration());
        discovery.SetPreEnumerateTheories(true);
        discovery.SetSynchronousMessageReporting(true);
        await using var discoverer = (IAsyncDisposable)framework.GetDiscoverer(Tests);
        await ((ITestFrameworkDiscoverer)discoverer).Find(found =>
        {
            cases.Add(found);
            return ValueTask.FromResult(true);
        }, discovery, [type], null);
        if (wanted is not null && wanted.IsSubsetOf(cases.Select(found => found.UniqueID))) cases.RemoveAll(found => !wanted.Contains(found.UniqueID));
        var execution = TestFrameworkOptions.ForExecution(new TestAssemblyConfiguration());
        execution.SetSynchronousMessageReporting(true);
        execution.SetStopOnTestFail(stopAtFailure);
        await using var executor = (IAsyncDisposable)framework.GetExecutor(Tests);
        await ((ITestFrameworkExecutor)executor).RunTestCases(cases, new Sink(watch), execution, null);
    }

    /// <summary>The mutants reached since this was last asked.</summary>
    public IReadOnlyList<int> Reached()
    {
        if (_reached.GetValue(null) is not bool[] reached) return [];
        var ids = Enumerable.Range(0, reached.Length).Where(id => reached[id]).ToArray();
        Array.Clear(reached);
        return ids;
    }

    protected override Assembly? Load(AssemblyName assemblyName)
    {
        if (assemblyName.Name == "Diffusion") return LoadFromAssemblyPath(_library);
        return assemblyName.Name!.StartsWith("Diffusion.", StringComparison.Ordinal) ? LoadFromAssemblyPath(Path.Combine(AppContext.BaseDirectory, assemblyName.Name + ".dll")) : null;
    }

    private static void Initialize(Type type)
    {
        try
        {
            RuntimeHelpers.RunClassConstructor(type.TypeHandle);
        }
        catch (TypeInitializationException)
        {
            // A mutant's doing: the tests that need the type will say so.
        }
    }

    private sealed class Sink(Func<IMessageSinkMessage, bool> watch) : IMessageSink
    {
        public bool OnMessage(IMessageSinkMessage message) => watch(message);
    }
}
