using System.Text.Json.Nodes;
using Diffusion.Training;
using Diffusion.TrainingProcess;
using Xunit;

namespace Diffusion.Tests.Training;

/// <summary>A real training process is killed; the run that goes on must end as the one that was never stopped, to the bit.</summary>
public sealed class CrashTests : IDisposable
{
    private const int Rarely = 500; // steps between the checkpoints of runs that are not killed

    private readonly OneThread _thread = new();

    public CrashTests() => Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are those of Unix");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _thread.Dispose();

    [Fact]
    public void KilledAtThreeRandomMomentsItEndsAtTheSameBits() => KilledAtRandomMoments(3, seed: 1);

    /// <remarks>Takes a minute or two; see "Tests that take long" in the README.</remarks>
    [Fact(Explicit = true)]
    public void KilledAtTwentyRandomMomentsItEndsAtTheSameBits() => KilledAtRandomMoments(20, seed: 2);

    private static void KilledAtRandomMoments(int kills, long seed)
    {
        using var reference = new TemporaryFolder();
        using var folder = new TemporaryFolder();
        SmallRun.Train(reference.Path, SmallRun.Steps, Rarely, Token);
        var random = new HostRandom(seed);
        var steps = new List<long>();
        while (steps.Count < kills)
        {
            // At any place of a step or of a save, after so many steps that most lives leave a checkpoint. Slowed down, so that the run outlasts the kills.
            using var child = new ChildProcess(folder.Path, pause: 4, checkpointEvery: 7);
            child.WaitForSteps(1 + (int)random.NextInteger(40));
            Thread.Sleep((int)random.NextInteger(30));
            child.Kill();
            var (status, errors) = child.Wait();
            Assert.True(status == ChildProcess.Killed, $"exit status {status} at step {child.LastStep}: {errors}");
            steps.Add(child.LastStep);
        }

        TestContext.Current.SendDiagnosticMessage("killed at about step " + string.Join(", ", steps));
        using (var last = new ChildProcess(folder.Path)) Assert.Equal((0, ""), last.Wait());
        AssertSameEnd(reference.Path, folder.Path);
    }

    [Fact]
    public void InterruptedItSavesAWholeStepAndEndsAtTheSameBits()
    {
        using var reference = new TemporaryFolder();
        using var folder = new TemporaryFolder();
        SmallRun.Train(reference.Path, SmallRun.Steps, Rarely, Token);
        using (var child = new ChildProcess(folder.Path, pause: 20))
        {
            child.WaitForSteps(5);
            child.Interrupt();
            var (status, errors) = child.Wait();
            Assert.True(status == 130, $"exit status {status}: {errors}");
            var latest = CheckpointFolder.Latest(Path.Combine(folder.Path, "checkpoints"))!;
            Assert.EndsWith($"-{child.LastStep:D8}", latest, StringComparison.Ordinal); // nothing that was done is lost
        }

        SmallRun.Train(folder.Path, SmallRun.Steps, Rarely, Token);
        AssertSameEnd(reference.Path, folder.Path);
    }

    // One save, with a checkpoint before it and one to discard, taken apart into its operations; after each of them the process dies.
    [Fact]
    public void KilledAfterEveryOperationOfASaveItEndsAtTheSameBits()
    {
        const long Before = SmallRun.Steps - 8, Stop = Before + 3;
        using var reference = new TemporaryFolder();
        using var start = new TemporaryFolder();
        SmallRun.Train(start.Path, Before, Rarely, Token);
        Copy(start.Path, reference.Path);
        SmallRun.Train(reference.Path, SmallRun.Steps, Rarely, Token);

        var operations = Operations(start.Path, Stop);
        var resumedFrom = new long[operations.Length];
        // Two processes at a time; each begins with the same checkpoint.
        Parallel.For(0, operations.Length, new ParallelOptions { MaxDegreeOfParallelism = 2, CancellationToken = Token }, i =>
        {
            using var folder = new TemporaryFolder();
            Copy(start.Path, folder.Path);
            using (var child = new ChildProcess(folder.Path, Stop, drill: $"{i + 1}"))
            {
                var (status, errors) = child.Wait();
                Assert.True(status == ChildProcess.Killed, $"after {operations[i]}: exit status {status}: {errors}");
            }

            lock (operations)
            {
                resumedFrom[i] = long.Parse(CheckpointFolder.Latest(Path.Combine(folder.Path, "checkpoints"))!.Split('-')[^1], System.Globalization.CultureInfo.InvariantCulture);
                SmallRun.Train(folder.Path, SmallRun.Steps, Rarely, Token);
                AssertSameEnd(reference.Path, folder.Path);
            }
        });

        // Up to its rename the new checkpoint does not count, from then on it does.
        var renamed = Array.FindIndex(operations, o => o.StartsWith("rename ", StringComparison.Ordinal) && o.EndsWith($"checkpoint-{Stop:D8}", StringComparison.Ordinal));
        for (var i = 0; i < operations.Length; i++) Assert.True(resumedFrom[i] == (i < renamed ? Before : Stop), $"after {operations[i]}: resumed from {resumedFrom[i]}");
    }

    [Fact]
    public void ASaveWritesFlushesRenamesAndFlushesTheFolderInThisOrder()
    {
        using var start = new TemporaryFolder();
        SmallRun.Train(start.Path, 16, Rarely, Token);
        var operations = Operations(start.Path, 17);
        string[] Named(string end) => [.. operations.Where(o => o.Split(' ')[1].Contains(end, StringComparison.Ordinal)).Select(o => o.Split(' ')[0])];
        foreach (var file in new[] { "weights.safetensors", "average-0.safetensors", "average-1.safetensors", "optimizer.safetensors", "run.json" })
        {
            var kinds = Named("/" + file);
            Assert.Equal(["flush", "rename"], kinds[^2..]);
            Assert.All(kinds[..^2], kind => Assert.Equal("write", kind));
            Assert.NotEmpty(kinds[..^2]);
            var renamed = Array.FindIndex(operations, o => o.StartsWith("rename", StringComparison.Ordinal) && o.EndsWith("/" + file, StringComparison.Ordinal));
            Assert.StartsWith("flush-folder", operations[renamed + 1], StringComparison.Ordinal);
        }

        // The whole: everything in the unfinished folder is on disk before it gets its name; the name is on disk before the oldest checkpoint goes.
        var last = Array.FindIndex(operations, o => o.StartsWith("rename", StringComparison.Ordinal) && o.EndsWith("/checkpoint-00000017", StringComparison.Ordinal));
        Assert.Equal("flush-folder", operations[last - 1].Split(' ')[0]);
        Assert.EndsWith(".unfinished-checkpoint-00000017", operations[last - 1], StringComparison.Ordinal);
        Assert.Equal($"flush-folder {Path.Combine(start.Path, "checkpoints")}", operations[last + 1]);
        Assert.Equal(["rename", "remove"], operations[(last + 2)..].Select(o => o.Split(' ')[0]));
        Assert.All(operations[..last], o => Assert.Contains(".unfinished-checkpoint-00000017", o, StringComparison.Ordinal));
    }

    // The operations of the save at a step, by a process that works on a copy.
    private static string[] Operations(string start, long stop)
    {
        using var folder = new TemporaryFolder();
        Copy(start, folder.Path);
        using var child = new ChildProcess(folder.Path, stop, drill: "list");
        var (status, errors) = child.Wait();
        Assert.True(status == 0, errors);
        return [.. errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Replace(folder.Path, start, StringComparison.Ordinal))];
    }

    private static void AssertSameEnd(string expected, string actual)
    {
        string Checkpoint(string folder) => Path.Combine(folder, "checkpoints", $"checkpoint-{SmallRun.Steps:D8}");
        string[] Files(string folder) => [.. Directory.GetFiles(folder).Select(Path.GetFileName).OfType<string>().Order(StringComparer.Ordinal)];
        var files = Files(Checkpoint(expected));
        Assert.Equal(files, Files(Checkpoint(actual)));
        foreach (var file in files.Where(file => file.EndsWith(".safetensors", StringComparison.Ordinal))) // weights, averages, optimizer
            Assert.True(File.ReadAllBytes(Path.Combine(Checkpoint(expected), file)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(Checkpoint(actual), file))), file);
        Assert.Equal(Record(expected), Record(actual)); // step, data position, updates of the averages
        Assert.Equal(Files(Path.Combine(expected, "averages")), Files(Path.Combine(actual, "averages")));
        foreach (var file in Files(Path.Combine(expected, "averages")))
            Assert.True(File.ReadAllBytes(Path.Combine(expected, "averages", file)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(actual, "averages", file))), file);
        Assert.Equal(Losses(expected), Losses(actual)); // every step once

        string Record(string folder)
        {
            var json = JsonNode.Parse(File.ReadAllText(Path.Combine(Checkpoint(folder), "run.json")))!.AsObject();
            json.Remove("elapsedSeconds");
            return json.ToJsonString();
        }

        string[] Losses(string folder) =>
            [.. File.ReadLines(Path.Combine(folder, "metrics.jsonl")).Select(line => JsonNode.Parse(line)!).Select(json => $"{json["step"]}").Where(step => step.EndsWith('0') || step.EndsWith('5'))];
    }

    private static void Copy(string from, string to)
    {
        foreach (var folder in Directory.GetDirectories(from, "*", SearchOption.AllDirectories)) Directory.CreateDirectory(folder.Replace(from, to, StringComparison.Ordinal));
        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories)) File.Copy(file, file.Replace(from, to, StringComparison.Ordinal));
    }
}
