using Diffusion.Checkpoints;
using Diffusion.Networks;
using Diffusion.Pipelines;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Pipelines;

public class DiffusionModelTests
{
    private static DiffusionModel Tiny(int classes = 3, long? nullClass = 3)
    {
        manual_seed(0);
        return new DiffusionModel(
            new UNet(UNetPresets.ForImages(1, 8, classes, width: 8)),
            new ModelDescription(new RectifiedFlowSchedule(), Parameterization.Velocity(), 1, 8, 8)
            {
                ClassNames = [.. Enumerable.Range(0, classes).Select(k => $"class {k}")],
                NullClass = nullClass,
                DataRange = 1,
            });
    }

    [Fact]
    public void TheSameSeedGivesTheSameBytes()
    {
        using var scope = NewDisposeScope();
        using var model = Tiny();
        var first = model.Sample(3, label: 1, seed: 7, steps: 4);
        Assert.True(first.eq(model.Sample(3, label: 1, seed: 7, steps: 4)).all().item<bool>());
        Assert.False(first.eq(model.Sample(3, label: 1, seed: 8, steps: 4)).all().item<bool>());
    }

    [Fact]
    public void ASampleDoesNotDependOnTheSizeOfItsBatch()
    {
        using var scope = NewDisposeScope();
        using var model = Tiny();
        var together = model.Sample([0, 1, 2, 0, 1], seed: 3, steps: 4);
        var apart = model.Sample([0, 1, 2, 0, 1], seed: 3, steps: 4, batchSize: 2);
        // The noise is the same to the bit; convolutions of another batch size may sum in another order.
        Assert.True(together.allclose(apart, 1e-4, 1e-5));
    }

    [Fact]
    public void AFolderHoldsTheWholeModel()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var model = Tiny();
        model.Save(folder.Path);
        using var loaded = DiffusionModel.Load(folder.Path);
        Assert.Equal(model.Description.ClassNames, loaded.Description.ClassNames);
        Assert.Equal(3, loaded.Description.NullClass);
        var expected = model.Sample([2, 0], seed: 1, steps: 3, guidance: 2);
        Assert.True(expected.eq(loaded.Sample([2, 0], seed: 1, steps: 3, guidance: 2)).all().item<bool>());
    }

    [Fact]
    public void WithoutAClassTheModelIsAskedWithTheNullClass()
    {
        using var scope = NewDisposeScope();
        using var model = Tiny();
        Assert.Equal([2, 1, 8, 8], model.Sample(2, seed: 0, steps: 2).shape);
    }

    [Fact]
    public void SamplesStayInTheRangeOfTheData()
    {
        using var scope = NewDisposeScope();
        using var model = Tiny();
        Assert.True(model.Sample(4, label: 0, seed: 0, steps: 3, guidance: 30).abs().max().item<float>() <= 1);
    }

    [Fact]
    public void NothingIsLeftBehindButTheSamples()
    {
        using var model = Tiny();
        using (model.Sample(2, label: 0, seed: 0, steps: 2)) { }
        var before = LiveTensors.Count();
        for (var i = 0; i < 5; i++)
            using (model.Sample(3, label: 0, seed: i, steps: 3, batchSize: 2)) Assert.Equal(before + 1, LiveTensors.Count());
        Assert.Equal(before, LiveTensors.Count());
    }

    [Fact]
    public void CancellationStopsTheRun()
    {
        using var model = Tiny();
        using var source = new CancellationTokenSource();
        var steps = 0;
        var hooks = new SamplingHooks { OnStep = (_, _, _) => { if (++steps == 2) source.Cancel(); } };
        Assert.Throws<OperationCanceledException>(() => model.Sample(1, label: 0, seed: 0, steps: 10, hooks: hooks, cancellationToken: source.Token));
        Assert.Equal(2, steps);
    }

    [Fact]
    public void WrongRequestsSayWhatThereIs()
    {
        using var model = Tiny();
        Assert.Contains("class 2", Assert.Throws<ArgumentOutOfRangeException>(() => model.Sample(1, label: 3)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Sample(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Sample(1, label: 0, steps: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Sample(1, label: 0, guidance: double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Sample(1, label: 0, batchSize: 0));
        Assert.Throws<ArgumentException>(() => model.Sample(1, guidance: 2));
        using var undropped = Tiny(nullClass: null);
        Assert.Contains("NullClass", Assert.Throws<ArgumentException>(() => undropped.Sample(1, label: 0, guidance: 2)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => undropped.Sample(1));
        using var unconditional = Tiny(classes: 0, nullClass: null);
        Assert.Contains("unconditional", Assert.Throws<ArgumentException>(() => unconditional.Sample(1, label: 0)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MissingFoldersAndFilesAreNamed()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("absent", Assert.Throws<DirectoryNotFoundException>(() => DiffusionModel.Load(folder.File("absent"))).Message, StringComparison.Ordinal);
        Assert.Contains("model.json", Assert.Throws<FileNotFoundException>(() => DiffusionModel.Load(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ThePresetHasLessThanAMillionParameters()
    {
        foreach (var (channels, size) in new[] { (3, 32), (1, 28), (3, 64) })
        {
            using var network = new UNet(UNetPresets.ForImages(channels, size, 10));
            Assert.InRange(network.parameters().Sum(p => p.numel()), 500_000, 1_000_000);
        }

        Assert.Contains("multiple of 4", Assert.Throws<ArgumentOutOfRangeException>(() => UNetPresets.ForImages(3, 30)).Message, StringComparison.Ordinal);
    }
}
