using Diffusion.Checkpoints;
using Diffusion.Data;
using Diffusion.Networks;
using Diffusion.Schedules;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Training;

/// <summary>Disks that are full or read-only: a plain error, the checkpoint before intact, and the run goes on once the cause is gone.</summary>
public sealed class BadDiskTests : IDisposable
{
    private readonly OneThread _thread = new();
    private readonly TensorDataSet _data = PlaneMixture.DataSet(128);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _data.Dispose();
        _thread.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ASaveThatFailsNamesThePathAndTheRemedyAndLosesNothing(bool full)
    {
        using var disk = new Mounted(512);
        var folder = Path.Combine(disk.Path, "run");
        var whole = Train(null, _ => { });
        var ended = Train(folder, run =>
        {
            if (run.Step != 5) return;
            if (full) disk.Fill();
            else disk.MakeReadOnly();
        }, error =>
        {
            Assert.Contains(Path.Combine(folder, "checkpoint-00000008"), error.Message, StringComparison.Ordinal);
            Assert.Contains(full ? "disk is full. Free space" : "read-only. Make it writable", error.Message, StringComparison.Ordinal);
            Assert.Contains("Older checkpoints are intact", error.Message, StringComparison.Ordinal);
            Assert.Equal(["checkpoint-00000004"], Directory.GetDirectories(folder).Select(Path.GetFileName)); // nothing half-written stays
            using (var other = new Mlp(2, 16, 1))
            using (var loader = new DataLoader(_data, 32, new() { Seed = 3 }))
            using (var reader = new TrainingRun(other, Objective, loader, Settings(folder)))
            {
                Assert.True(reader.Resume()); // from a disk that cannot be written
                Assert.Equal(4, reader.Step);
            }

            if (full) disk.Free();
            else disk.MakeWritable();
        });
        Assert.Equal(whole, ended);
        Assert.Equal(["checkpoint-00000004", "checkpoint-00000012"], Directory.GetDirectories(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void AFileThatCannotBeWrittenKeepsItsContent()
    {
        using var disk = new Mounted(256);
        var path = Path.Combine(disk.Path, "weights.safetensors");
        using var large = zeros(50_000); // 200 kB
        using var small = ones(10);
        SafetensorsFile.Save(path, [("w", small)]);
        disk.Fill();
        var error = Assert.Throws<IOException>(() => SafetensorsFile.Save(path, [("w", large)]));
        Assert.Contains($"'{path}' could not be written: the disk is full", error.Message, StringComparison.Ordinal);
        disk.Free();
        disk.MakeReadOnly();
        error = Assert.Throws<IOException>(() => SafetensorsFile.Save(path, [("w", small)]));
        Assert.Contains($"'{path}' could not be written: the file system is read-only", error.Message, StringComparison.Ordinal);
        using var file = SafetensorsFile.Open(path);
        using var read = file.Read("w");
        Assert.True(read.IsExactly(small));
        Assert.Equal([path], Directory.GetFiles(disk.Path));
    }

    [Fact]
    public void StoredAveragesThatCannotBeWrittenDoNotEndTheRun()
    {
        using var disk = new Mounted(64);
        using var loader = new DataLoader(_data, 32, new() { Seed = 3 });
        using var network = new Mlp(2, 16, 1);
        disk.Fill();
        var folder = Path.Combine(disk.Path, "averages");
        using var run = new TrainingRun(network, Objective, loader, new() { Steps = 6, Averages = [AveragingRule.PowerFunction(6)], Snapshots = new AverageSnapshots(folder, 3) });
        Assert.Contains(folder, Assert.Throws<IOException>(() => run.Train(cancellationToken: Token)).Message, StringComparison.Ordinal);
        Assert.Equal(3, run.Step);
        disk.Free();
        Assert.Equal(TrainingOutcome.Completed, run.Train(cancellationToken: Token));
        Assert.Equal([6L], PostHocAverages.Open(folder).Profiles.Select(p => p.Updates));
    }

    private static DenoisingObjective Objective { get; } = new(new RectifiedFlowSchedule(), Parameterization.Velocity());

    private static TrainingSettings Settings(string? folder, Action<TrainingRun>? afterStep = null) => new()
    {
        Update = UpdateRule.AdamW(1e-2),
        Steps = 12,
        Seed = 2,
        CheckpointFolder = folder,
        CheckpointEvery = 4,
        AfterStep = afterStep,
    };

    // Trains to the end, through one save that fails where that is expected, and returns the weights.
    private float[] Train(string? folder, Action<TrainingRun> afterStep, Action<IOException>? failed = null)
    {
        random.manual_seed(1).Dispose();
        using var network = new Mlp(2, 16, 1);
        using var loader = new DataLoader(_data, 32, new() { Seed = 3 });
        using var run = new TrainingRun(network, Objective, loader, Settings(folder, afterStep));
        if (failed is not null)
        {
            failed(Assert.Throws<IOException>(() => run.Train(cancellationToken: Token)));
            Assert.Equal(8, run.Step);
        }

        Assert.Equal(TrainingOutcome.Completed, run.Train(cancellationToken: Token));
        return [.. network.parameters().SelectMany(p => p.data<float>().ToArray())];
    }
}
