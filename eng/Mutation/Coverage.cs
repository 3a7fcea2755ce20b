using System.Collections.Concurrent;
using System.Text.Json;

namespace Mutation;

/// <summary>Which tests reach which mutants.</summary>
internal sealed class Coverage
{
    private readonly Dictionary<string, double> _seconds;
    private readonly Dictionary<int, Dictionary<string, HashSet<string>>> _reaching = [];

    private Coverage(IReadOnlyList<ClassCoverage> classes, IReadOnlyList<Mutant> mutants)
    {
        _seconds = classes.SelectMany(c => c.Tests).ToDictionary(test => test.Case, test => test.Seconds, StringComparer.Ordinal);
        Failing = classes.SelectMany(c => c.Tests).Count(test => !test.Passed);
        foreach (var covered in classes)
            foreach (var test in covered.Tests.Where(test => test.Passed))
                foreach (var id in test.Reached.Concat(covered.Shared)) Add(id, covered.Class, test.Case);
        // What only a static member of the library reaches may show in any test of something else in the same file.
        var fileOf = mutants.ToDictionary(mutant => mutant.Id, mutant => mutant.File);
        foreach (var id in classes.SelectMany(c => c.Library).Distinct().Where(fileOf.ContainsKey))
            foreach (var other in mutants.Where(mutant => mutant.File == fileOf[id] && mutant.Id != id))
                foreach (var (testClass, cases) in _reaching.GetValueOrDefault(other.Id, []))
                    foreach (var test in cases) Add(id, testClass, test);
    }

    /// <summary>How many tests fail without any mutant; they are not used.</summary>
    public int Failing { get; }

    /// <summary>How long a test takes, in seconds.</summary>
    public double SecondsOf(string test) => _seconds.GetValueOrDefault(test);

    /// <summary>The tests to try a mutant on: those of classes named after its file first, then the quickest; as many as fit a time.</summary>
    /// <param name="mutant">The mutant.</param>
    /// <param name="seconds">The time, without the mutant.</param>
    public IReadOnlyList<ClassTests> For(Mutant mutant, double seconds)
    {
        if (!_reaching.TryGetValue(mutant.Id, out var classes)) return [];
        var name = Path.GetFileNameWithoutExtension(mutant.File);
        var plan = new List<ClassTests>();
        foreach (var (testClass, cases) in classes.OrderBy(c => !c.Key.Split('.')[^1].StartsWith(name, StringComparison.Ordinal)).ThenBy(c => c.Value.Sum(SecondsOf)))
        {
            var chosen = new HashSet<string>(StringComparer.Ordinal);
            foreach (var test in cases.OrderBy(SecondsOf))
            {
                if ((seconds -= SecondsOf(test)) < 0 && plan.Count > 0) break;
                chosen.Add(test);
            }

            if (chosen.Count > 0) plan.Add(new ClassTests(testClass, chosen));
            if (seconds < 0) break;
        }

        return plan;
    }

    /// <summary>Runs every test once, or reads what an earlier run of the same library and tests found.</summary>
    /// <param name="library">The mutated library.</param>
    /// <param name="work">Where to keep it.</param>
    /// <param name="wanted">Whether to use a test class.</param>
    /// <param name="workers">How many processes run tests.</param>
    public static Coverage Take(MutatedLibrary library, string work, Func<string, bool> wanted, int workers)
    {
        var file = Path.Combine(work, $"coverage-{library.Hash}.jsonl");
        var known = File.Exists(file) ? File.ReadAllLines(file).Select(line => JsonSerializer.Deserialize<ClassCoverage>(line)!).ToList() : [];
        var left = new ConcurrentQueue<string>(TestClasses().Where(wanted).Except(known.Select(c => c.Class)));
        Parallel.For(0, workers, new ParallelOptions { MaxDegreeOfParallelism = workers }, _ =>
        {
            using var worker = new WorkerProcess(library);
            while (left.TryDequeue(out var testClass))
            {
                var (answer, fate) = worker.Ask(new Request(testClass, -1, null), static _ => 300);
                var covered = answer?.Covered ?? new ClassCoverage(testClass, [], [], []);
                lock (known)
                {
                    if (answer is not null) File.AppendAllText(file, JsonSerializer.Serialize(covered) + "\n");
                    Console.WriteLine($"{testClass}: {covered.Tests.Count} tests, {covered.Tests.Sum(test => test.Seconds):f1} s{(answer is null ? $", given up: {fate}" : "")}");
                    known.Add(covered);
                }
            }
        });

        return new Coverage([.. known.Where(c => wanted(c.Class))], library.Mutants);
    }

    private static IEnumerable<string> TestClasses() => typeof(Diffusion.Tests.Design.TypeTests).Assembly.GetExportedTypes()
        .Where(type => !type.IsAbstract && type.GetMethods().Any(method => method.GetCustomAttributes(inherit: true).Any(attribute => attribute is Xunit.FactAttribute)))
        .Select(type => type.FullName!).Order(StringComparer.Ordinal);

    private void Add(int id, string testClass, string test)
    {
        if (!_reaching.TryGetValue(id, out var classes)) _reaching[id] = classes = [];
        if (!classes.TryGetValue(testClass, out var cases)) classes[testClass] = cases = [];
        cases.Add(test);
    }
}
