using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Mutation;

/// <summary>The library with all mutants of some files in it, built once.</summary>
/// <param name="Assembly">The built library.</param>
/// <param name="Mutants">Its mutants, in order of their numbers.</param>
/// <param name="Size">One more than the greatest number.</param>
/// <param name="Hash">Names this library and these tests.</param>
internal sealed partial record MutatedLibrary(string Assembly, IReadOnlyList<Mutant> Mutants, int Size, string Hash)
{
    private const string Usings = """
        global using global::System; global using global::System.Collections.Generic; global using global::System.IO; global using global::System.Linq;
        global using global::System.Net.Http; global using global::System.Threading; global using global::System.Threading.Tasks;
        global using global::TorchSharp; global using static global::TorchSharp.torch;
        """;

    /// <summary>Mutates, leaves out what does not compile, and builds.</summary>
    /// <param name="source">The library's folder.</param>
    /// <param name="work">Where the mutated copy goes.</param>
    /// <param name="mutated">Whether to mutate a file, named from the library's folder.</param>
    public static MutatedLibrary Build(string source, string work, Func<string, bool> mutated)
    {
        var files = Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(source, path).Replace('\\', '/'))
            .Where(file => !file.StartsWith("bin/", StringComparison.Ordinal) && !file.StartsWith("obj/", StringComparison.Ordinal) && !file.StartsWith("buildTransitive/", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal).ToArray();
        var texts = files.ToDictionary(file => file, file => File.ReadAllText(Path.Combine(source, file)), StringComparer.Ordinal);
        texts["Mutants.cs"] = MutantsSource();
        var original = Compile(texts);
        var memory = Path.Combine(work, $"rejected-{Digest(texts, Encoding.UTF8.GetBytes(string.Join('|', files.Where(mutated))))}-{typeof(Mutator).Module.ModuleVersionId:n}.txt"); // finding them takes a minute
        var rejected = File.Exists(memory) ? File.ReadLines(memory).Select(line => int.Parse(line, CultureInfo.InvariantCulture)).ToHashSet() : [];
        while (true)
        {
            var mutants = new List<Mutant>();
            var changed = new Dictionary<string, string>(texts, StringComparer.Ordinal);
            var next = 0;
            foreach (var file in files.Where(mutated))
            {
                var tree = original.SyntaxTrees.First(tree => tree.FilePath == file);
                var mutator = new Mutator(original.GetSemanticModel(tree), file, next, rejected);
                changed[file] = mutator.Visit(tree.GetRoot())!.ToFullString();
                mutants.AddRange(mutator.Made);
                next = mutator.Next;
            }

            var broken = Compile(changed).GetDiagnostics().Where(d => d.Severity == DiagnosticSeverity.Error && d.Location.SourceTree is { } tree && mutated(tree.FilePath)).SelectMany(Behind).ToHashSet();
            broken.ExceptWith(rejected);
            if (broken.Count == 0)
            {
                File.WriteAllLines(memory, rejected.Order().Select(id => id.ToString(CultureInfo.InvariantCulture)));
                return Write(source, work, changed, mutants, next);
            }

            rejected.UnionWith(broken);
            Console.WriteLine($"{broken.Count} mutants do not compile and are left out.");
        }
    }

    private static string MutantsSource()
    {
        using var stream = typeof(MutatedLibrary).Assembly.GetManifestResourceStream("Mutants.cs")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    // References: what this program itself runs on, which is what the tests run on, without our own assemblies.
    private static CSharpCompilation Compile(Dictionary<string, string> texts)
    {
        var options = new CSharpParseOptions(LanguageVersion.Latest, DocumentationMode.None);
        var references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => !Path.GetFileName(path).StartsWith("Diffusion", StringComparison.Ordinal)).Select(path => MetadataReference.CreateFromFile(path));
        var trees = texts.Select(text => CSharpSyntaxTree.ParseText(text.Value, options, text.Key, Encoding.UTF8)).Append(CSharpSyntaxTree.ParseText(Usings, options, "Usings.cs", Encoding.UTF8));
        return CSharpCompilation.Create("Diffusion", trees, references, new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable));
    }

    // The mutants that an error may be owed to: the innermost around it; failing that the removed statements of the member, or all its mutants.
    private static IEnumerable<int> Behind(Diagnostic error)
    {
        var root = error.Location.SourceTree!.GetRoot();
        var node = root.FindNode(error.Location.SourceSpan, getInnermostNodeForTie: true);
        foreach (var part in node.AncestorsAndSelf())
            if (part is InvocationExpressionSyntax && Number().Match(part.ToString()) is { Success: true } match) return [Id(match)];
        var member = (SyntaxNode?)node.FirstAncestorOrSelf<MemberDeclarationSyntax>() ?? root;
        var removed = RemovedStatement().Matches(member.ToString()).Select(Id).ToArray();
        if (removed.Length > 0) return removed;
        var all = AnyNumber().Matches(member.ToString()).Select(Id).ToArray();
        return all.Length > 0 ? all : throw new InvalidOperationException($"The library does not compile, mutants or not: {error}");
    }

    private static MutatedLibrary Write(string source, string work, Dictionary<string, string> texts, List<Mutant> mutants, int size)
    {
        var folder = Path.Combine(work, "src", "Diffusion"); // below "src", as the shared build files want libraries to be
        foreach (var (file, text) in texts)
        {
            var path = Path.Combine(folder, file);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            if (!File.Exists(path) || File.ReadAllText(path) != text) File.WriteAllText(path, text);
        }

        foreach (var stale in Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories).Where(path => !texts.ContainsKey(Path.GetRelativePath(folder, path).Replace('\\', '/')) && !Path.GetRelativePath(folder, path).StartsWith("obj", StringComparison.Ordinal)).ToArray())
            File.Delete(stale);
        File.Copy(Path.Combine(source, "Diffusion.csproj"), Path.Combine(folder, "Diffusion.csproj"), overwrite: true);
        using var build = Process.Start(new ProcessStartInfo("dotnet", ["build", folder, "-v", "q", "--nologo", "-p:TreatWarningsAsErrors=false", "-p:EnforceCodeStyleInBuild=false", "-p:RunAnalyzers=false", "-p:GenerateDocumentationFile=false", "-p:WarningLevel=0", "-p:NoWarn=CS8600%3BCS8602%3BCS8603%3BCS8604%3BCS8618"]))!;
        build.WaitForExit();
        if (build.ExitCode != 0) throw new InvalidOperationException("The mutated library does not build.");
        var assembly = Path.Combine(folder, "bin", "Debug", "net10.0", "Diffusion.dll");
        return new MutatedLibrary(assembly, mutants, size, Digest(texts, File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Diffusion.Tests.dll"))));
    }

    private static string Digest(Dictionary<string, string> texts, params ReadOnlySpan<byte> more)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (file, text) in texts.OrderBy(text => text.Key, StringComparer.Ordinal)) hash.AppendData(Encoding.UTF8.GetBytes($"{file}\0{text}\0"));
        hash.AppendData(more);
        return Convert.ToHexString(hash.GetHashAndReset())[..16];
    }

    private static int Id(Match match) => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^global::Diffusion\.Mutants\.\w+(?:<\w+>)?\((\d+)")]
    private static partial Regex Number();

    [GeneratedRegex(@"global::Diffusion\.Mutants\.\w+(?:<\w+>)?\((\d+)")]
    private static partial Regex AnyNumber();

    [GeneratedRegex(@"\{ if \(!global::Diffusion\.Mutants\.On\((\d+)\)\)")]
    private static partial Regex RemovedStatement();
}
