using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Mutation;

// Changes the library in one place at a time and looks whether a test notices: see README.md in this folder.
// Exit 0: enough were killed and every survivor has its reason; 1: not; 2: wrong usage.
if (args is ["--worker", var assembly, var size])
{
    await Worker.Run(assembly, int.Parse(size, CultureInfo.InvariantCulture));
    return 0;
}

Options options;
try
{
    options = Options.Parse(args);
}
catch (Exception error) when (error is ArgumentException or FormatException)
{
    Console.Error.WriteLine(error.Message);
    Console.Error.WriteLine(Options.Usage);
    return 2;
}

var root = new DirectoryInfo(AppContext.BaseDirectory);
while (!File.Exists(Path.Combine(root.FullName, "Diffusion.sln"))) root = root.Parent ?? throw new DirectoryNotFoundException("No folder above this program holds Diffusion.sln.");
var work = Directory.CreateDirectory(Path.Combine(root.FullName, "out", "mutation")).FullName;
var library = MutatedLibrary.Build(Path.Combine(root.FullName, "src", "Diffusion"), work, options.Files.IsMatch);
Console.WriteLine($"{library.Mutants.Count} mutants in {library.Mutants.Select(mutant => mutant.File).Distinct().Count()} files");
if (options.List)
{
    foreach (var mutant in library.Mutants) Console.WriteLine($"{mutant.File}:{mutant.Line}: {mutant.Change}: {mutant.Code}");
    return 0;
}

var clock = Stopwatch.StartNew();
var coverage = Coverage.Take(library, work, options.Tests.IsMatch, options.Workers);
if (coverage.Failing > 0) Console.WriteLine($"{coverage.Failing} tests do not pass without a mutant, or are skipped; they are not used.");
var log = Path.Combine(work, "outcomes.jsonl"); // of one library and one state of the tests
var stamp = Path.Combine(work, "outcomes.of");
if (options.Fresh || !File.Exists(stamp) || (File.ReadAllText(stamp) != library.Hash && !options.Again)) File.Delete(log);
File.WriteAllText(stamp, library.Hash);
var outcomes = new Dictionary<string, Outcome>(StringComparer.Ordinal);
foreach (var line in File.Exists(log) ? File.ReadLines(log) : []) if (JsonSerializer.Deserialize<Outcome>(line) is { } outcome) outcomes[outcome.Key] = outcome;

var random = new Random(options.Seed);
var drawn = library.Mutants.ToArray();
random.Shuffle(drawn);
drawn = drawn[..Math.Min(options.Sample ?? drawn.Length, drawn.Length)];
(Reply? Answer, string Fate) Try(WorkerProcess worker, int id, IReadOnlyList<ClassTests> tests) => worker.Ask(new Request(null, id, tests), test => 10 + 8 * coverage.SecondsOf(test));

// Without a mutant the tests must pass here too, or everything would seem killed.
using (var worker = new WorkerProcess(library))
{
    if (drawn.Select(mutant => coverage.For(mutant, options.Seconds)).FirstOrDefault(tests => tests.Count > 0) is { } sound && Try(worker, library.Size, sound) is var (untouched, end) && (untouched is null || untouched.Killer is not null))
        throw new InvalidOperationException($"The tests fail without a mutant: {untouched?.Killer ?? end}");
}

var left = new ConcurrentQueue<Mutant>(drawn.Where(mutant => !outcomes.TryGetValue(mutant.Key, out var before) || (options.Again && before.Fate != Fate.Killed)));
Parallel.For(0, options.Workers, new ParallelOptions { MaxDegreeOfParallelism = options.Workers }, _ =>
{
    using var worker = new WorkerProcess(library);
    while (clock.Elapsed.TotalMinutes < options.Minutes && left.TryDequeue(out var mutant))
    {
        var tests = coverage.For(mutant, options.Seconds);
        var outcome = new Outcome(mutant.Key, Fate.NotCovered, null);
        if (tests.Count > 0)
        {
            var (answer, fate) = Try(worker, mutant.Id, tests);
            outcome = answer is null ? new Outcome(mutant.Key, Fate.Killed, fate) : new Outcome(mutant.Key, answer.Killer is null ? Fate.Survived : Fate.Killed, answer.Killer);
        }

        lock (outcomes)
        {
            outcomes[mutant.Key] = outcome;
            File.AppendAllText(log, JsonSerializer.Serialize(outcome) + "\n");
            if (outcome.Fate != Fate.Killed) Console.WriteLine($"{outcome.Fate}: {mutant.File}:{mutant.Line}: {mutant.Change}: {mutant.Code}");
        }
    }
});

var tried = drawn.Where(mutant => outcomes.ContainsKey(mutant.Key)).OrderBy(mutant => mutant.Id).Select(mutant => (mutant, outcomes[mutant.Key])).ToArray();
if (tried.Length == 0) return 1;
var what = string.Create(CultureInfo.InvariantCulture, $"{tried.Length} of {library.Mutants.Count} mutants were tried{(options.Sample is null ? "" : $", drawn with seed {options.Seed}")}, in {clock.Elapsed.TotalMinutes:f1} minutes.");
var survivors = new Survivors(Path.Combine(root.FullName, "eng", "Mutation", "survivors.md"));
var outdated = survivors.Outdated(library.Mutants).ToArray();
foreach (var row in outdated) Console.WriteLine($"survivors.md has a row of no mutant: {row}");
return Report.Write(Path.Combine(work, "report.md"), tried, survivors, what) && outdated.Length == 0 ? 0 : 1;
