using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Emit;

namespace Diffusion.Tests.Guide;

/// <summary>Blocks of a page as one console program: compiled to memory, as a reader's project would be, and run.</summary>
internal sealed class GuideProgram
{
    private const char EndOfBlock = '\u001e';

    // What a new console app with ImplicitUsings has.
    private const string ImplicitUsings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    private static readonly CSharpParseOptions _language = new(LanguageVersion.Latest);
    private static readonly MetadataReference[] _references = [.. References()];

    private readonly IReadOnlyList<GuideBlock> _blocks;
    private readonly MethodInfo _main;

    private GuideProgram(IReadOnlyList<GuideBlock> blocks, MethodInfo main) => (_blocks, _main) = (blocks, main);

    /// <summary>Compiles blocks.</summary>
    /// <exception cref="InvalidDataException">There are errors or warnings; the message has page and line of each.</exception>
    public static GuideProgram Compile(IReadOnlyList<GuideBlock> blocks)
    {
        var trees = new[] { Parse(Compose(blocks)), Parse(ImplicitUsings) };
        var options = new CSharpCompilationOptions(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable, optimizationLevel: OptimizationLevel.Debug,
            specificDiagnosticOptions: [new("CS1701", ReportDiagnostic.Suppress), new("CS1702", ReportDiagnostic.Suppress)]); // as every project does: TorchSharp was built for .NET 8
        var compilation = CSharpCompilation.Create("GuideProgram", trees, _references, options);
        using var assembly = new MemoryStream();
        using var symbols = new MemoryStream();
        var result = compilation.Emit(assembly, symbols, options: new EmitOptions(debugInformationFormat: DebugInformationFormat.PortablePdb));
        var faults = result.Diagnostics.Where(d => d.Severity >= DiagnosticSeverity.Warning).ToArray();
        if (faults.Length > 0) throw new InvalidDataException(string.Join('\n', faults.Select(Describe)));
        return new GuideProgram(blocks, Assembly.Load(assembly.ToArray(), symbols.ToArray()).EntryPoint!);
    }

    /// <summary>Runs the program in a folder.</summary>
    /// <exception cref="InvalidDataException">It failed, or did not print what the page says; the message has page and line.</exception>
    public void Run(string folder)
    {
        var (before, console, threads, random) = (Directory.GetCurrentDirectory(), Console.Out, get_num_threads(), get_rng_state());
        var output = new StringWriter();
        Directory.SetCurrentDirectory(folder);
        Console.SetOut(output);
        try
        {
            _main.Invoke(null, _main.GetParameters().Length == 0 ? [] : [Array.Empty<string>()]);
        }
        catch (TargetInvocationException e)
        {
            throw new InvalidDataException($"{Where(e.InnerException!)}: {e.InnerException!.GetType().Name}: {e.InnerException.Message}", e.InnerException);
        }
        finally
        {
            Console.SetOut(console);
            Directory.SetCurrentDirectory(before);
            set_num_threads(threads);
            set_rng_state(random);
            random.Dispose();
        }

        CheckOutput(output.ToString().ReplaceLineEndings("\n").Split(EndOfBlock));
    }

    private void CheckOutput(string[] printed)
    {
        for (var i = 0; i < _blocks.Count; i++)
            if (_blocks[i].Output is { } expected && !Matches(expected.Split('\n'), printed[i].Trim().Split('\n')))
                throw new InvalidDataException($"{_blocks[i].Page}:{_blocks[i].Line}: the page says that this prints\n{expected}\nbut it prints\n{printed[i]}");
    }

    private static bool Matches(string[] expected, string[] lines) =>
        expected.Length == lines.Length && expected.Zip(lines).All(pair => Matches(pair.First.TrimEnd(), pair.Second.TrimEnd()));

    private static bool Matches(string expected, string line)
    {
        var place = 0;
        var parts = expected.Split('…');
        for (var i = 0; i < parts.Length; i++)
        {
            var at = i == parts.Length - 1 && i > 0 ? line.Length - parts[i].Length : line.IndexOf(parts[i], place, StringComparison.Ordinal);
            if (at < place || (i == 0 && at != 0) || string.CompareOrdinal(line, at, parts[i], 0, parts[i].Length) != 0) return false;
            place = at + parts[i].Length;
        }

        return place == line.Length;
    }

    // Usings first, statements in their order, types last; each piece keeps page and line.
    private static string Compose(IReadOnlyList<GuideBlock> blocks)
    {
        var (usings, statements, types) = (new SortedSet<string>(StringComparer.Ordinal), new StringBuilder(), new StringBuilder());
        foreach (var block in blocks)
        {
            var root = (CompilationUnitSyntax)Parse(block.Code).GetRoot();
            foreach (var use in root.Usings) usings.Add(use.WithoutTrivia().ToString());
            statements.AppendLine("#line hidden");
            if (block.WhyNotRun is not null) statements.AppendLine("if (System.Environment.TickCount64 < 0)\n{");
            foreach (var member in root.Members)
            {
                var line = block.Line + member.SyntaxTree.GetLineSpan(member.FullSpan).StartLinePosition.Line;
                (member is GlobalStatementSyntax ? statements : types).AppendLine(CultureInfo.InvariantCulture, $"#line {line} \"{block.Page}\"").AppendLine(member.ToFullString());
            }

            foreach (var error in root.GetDiagnostics()) throw new InvalidDataException($"{block.Page}:{block.Line + error.Location.GetLineSpan().StartLinePosition.Line}: {error.GetMessage()}");
            statements.AppendLine("#line hidden");
            if (block.WhyNotRun is not null) statements.AppendLine("}");
            statements.AppendLine("System.Console.Write('\\u001e'); // the end of a block");
        }

        return $"{string.Join('\n', usings)}\n{statements}{types}";
    }

    private static SyntaxTree Parse(string code) => CSharpSyntaxTree.ParseText(code, _language, encoding: Encoding.UTF8);

    private static string Describe(Diagnostic fault)
    {
        var place = fault.Location.GetMappedLineSpan();
        return $"{place.Path}:{place.StartLinePosition.Line + 1}: {fault.Id}: {fault.GetMessage(CultureInfo.InvariantCulture)}";
    }

    private static string Where(Exception error) =>
        new StackTrace(error, true).GetFrames().FirstOrDefault(frame => frame.GetFileName()?.EndsWith(".md", StringComparison.Ordinal) == true) is { } place
            ? $"{place.GetFileName()}:{place.GetFileLineNumber()}"
            : "before the first line of the page";

    // The framework, and what the two packages bring.
    private static IEnumerable<MetadataReference> References()
    {
        var framework = Path.GetDirectoryName(typeof(object).Assembly.Location);
        return ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetDirectoryName(path) == framework
                || Path.GetFileName(path) is "Diffusion.dll" or "Diffusion.Imaging.dll" or "TorchSharp.dll" or "SkiaSharp.dll" or "Microsoft.Extensions.Logging.Abstractions.dll")
            .Select(path => MetadataReference.CreateFromFile(path));
    }
}
