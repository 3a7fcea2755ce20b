using Diffusion.Data;
using Diffusion.Denoisers;
using Diffusion.Integration;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Training;

public class PairGeneratorTests
{
    private static readonly RectifiedFlowSchedule Flow = new();

    private static PairGenerator Of(double mean = 0.3, int batch = 7, long seed = 5, int? classes = null, DataSet? starts = null, Action? asked = null) =>
        new([2, 3], condition =>
        {
            asked?.Invoke();
            return new GaussianDenoiser(Flow, mean + (condition?.ClassLabels?[0].item<long>() ?? 0) * 0, 0.5);
        }, new FlowRungeKuttaSampler(RungeKutta.Classical), TimeGrid.Uniform(Flow, 100))
        { BatchSize = batch, Seed = seed, Classes = classes, Starts = starts };

    [Fact]
    public void PairsLieOnTheExactMapOfTheFlow()
    {
        using var scope = NewDisposeScope();
        using var folder = new Tests.TemporaryFolder();
        var path = folder.File("pairs.bin");
        Assert.Equal(TrainingOutcome.Completed, Of().Generate(path, 50));
        using var pairs = PairFileDataSet.Open(path);
        Assert.Equal((50, 5), (pairs.Count, pairs.Seed));
        Assert.Equal([2, 2, 3], pairs.SampleShape);
        var data = pairs.Get([.. Enumerable.Range(0, 50).Select(i => (long)i)]).Data;
        Assert.True((data.select(1, 0) - (data.select(1, 1) * 0.5 + 0.3)).abs().max().item<float>() < 5e-4); // one reflow of a Gaussian: a straight map, but for the last of the 100 steps, which is Euler's and off by 10⁻⁴ of x₁
        Assert.Equal(1, data.select(1, 1).var().item<float>(), 0.33); // 300 normal numbers, four standard errors
    }

    [Fact]
    public void StoppedAndResumedIsTheSameFile()
    {
        using var folder = new Tests.TemporaryFolder();
        var (whole, parts) = (folder.File("whole.bin"), folder.File("parts.bin"));
        Of(classes: 3).Generate(whole, 40);
        using var stop = new CancellationTokenSource();
        var batches = 0;
        Assert.Equal(TrainingOutcome.Cancelled, Of(classes: 3, asked: () => { if (++batches == 3) stop.Cancel(); }).Generate(parts, 40, null, stop.Token));
        Assert.Contains("14 of 40", Assert.Throws<InvalidDataException>(() => PairFileDataSet.Open(parts)).Message, StringComparison.Ordinal);
        using (var file = new FileStream(parts, FileMode.Append)) file.Write(new byte[100]); // what a killed process was writing
        var told = new List<PairProgress>();
        Assert.Equal(TrainingOutcome.Completed, Of(classes: 3).Generate(parts, 40, new Sink(told.Add)));
        Assert.Equal(File.ReadAllBytes(whole), File.ReadAllBytes(parts));
        Assert.Equal((21, 40, 40), (told[0].Completed, told[0].Count, told[^1].Completed));
        Assert.Equal(TrainingOutcome.Completed, Of(classes: 3).Generate(parts, 40)); // nothing is left to do
    }

    [Fact]
    public void PairsDoNotDependOnTheirBatch()
    {
        using var scope = NewDisposeScope();
        using var folder = new Tests.TemporaryFolder();
        Of(batch: 4).Generate(folder.File("a.bin"), 10);
        Of(batch: 10).Generate(folder.File("b.bin"), 10);
        using var a = PairFileDataSet.Open(folder.File("a.bin"));
        using var b = PairFileDataSet.Open(folder.File("b.bin"));
        long[] all = [.. Enumerable.Range(0, 10).Select(i => (long)i)];
        Assert.True((a.Get(all).Data - b.Get(all).Data).abs().max().item<float>() < 1e-5);
    }

    [Fact]
    public void ClassesComeInTurn()
    {
        using var scope = NewDisposeScope();
        using var folder = new Tests.TemporaryFolder();
        Of(classes: 3).Generate(folder.File("a.bin"), 8);
        using var pairs = PairFileDataSet.Open(folder.File("a.bin"));
        Assert.Equal(3, pairs.ClassCount);
        Assert.Equal([2L, 0, 1], pairs.Get([5, 3, 7]).Labels!.data<long>().ToArray());
    }

    [Fact]
    public void StartsAreTheGivenOnes()
    {
        using var scope = NewDisposeScope();
        using var folder = new Tests.TemporaryFolder();
        using var starts = new TensorDataSet(arange(18, dtype: float32).view(3, 2, 3));
        Of(starts: starts).Generate(folder.File("a.bin"), 5);
        using var pairs = PairFileDataSet.Open(folder.File("a.bin"));
        Assert.True(pairs.Get([4]).Data[0, 1].eq(starts.Get([1]).Data[0]).all().item<bool>());
    }

    [Fact]
    public void AnotherFlowCannotGoOn()
    {
        using var folder = new Tests.TemporaryFolder();
        var path = folder.File("pairs.bin");
        Of().Generate(path, 20);
        Assert.Contains("another flow", Assert.Throws<InvalidDataException>(() => Of(mean: 0.5).Generate(path, 20)).Message, StringComparison.Ordinal);
        Assert.Contains("seed", Assert.Throws<InvalidDataException>(() => Of(seed: 6).Generate(path, 20)).Message, StringComparison.Ordinal);
        Assert.Contains("20", Assert.Throws<InvalidDataException>(() => Of().Generate(path, 30)).Message, StringComparison.Ordinal);
        Assert.Contains("classes", Assert.Throws<InvalidDataException>(() => Of(classes: 2).Generate(path, 20)).Message, StringComparison.Ordinal);
        var other = folder.Write("text.txt", "hello"u8.ToArray());
        Assert.Contains("no file of pairs", Assert.Throws<InvalidDataException>(() => Of().Generate(other, 20)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DamagedFilesAreNamed()
    {
        using var folder = new Tests.TemporaryFolder();
        var path = folder.File("pairs.bin");
        Of(classes: 2).Generate(path, 6);
        var bytes = File.ReadAllBytes(path);
        void Refused(string name, Action<byte[]> damage, int? length = null)
        {
            var copy = bytes.AsSpan(0, length ?? bytes.Length).ToArray();
            damage(copy);
            var damaged = folder.Write(name, copy);
            Assert.Contains(name, Assert.Throws<InvalidDataException>(() =>
            {
                using var pairs = PairFileDataSet.Open(damaged);
                pairs.Get([0]).Dispose();
            }).Message, StringComparison.Ordinal);
        }

        Refused("mark", copy => copy[0] = 0);
        Refused("version", copy => copy[8] = 9);
        Refused("axes", copy => copy[12] = 200);
        Refused("shape", copy => copy[55] = 0x7F);
        Refused("count", copy => copy[31] = 0xFF);
        Refused("completed", copy => copy[32] = 5);
        Refused("cut", _ => { }, bytes.Length - 1);
        Refused("head", _ => { }, 100);
        Refused("label", copy => copy[PairFileHeader.Size] = 7);
    }

    [Fact]
    public void RefusesBadSettings()
    {
        Assert.Throws<ArgumentException>(() => new PairGenerator([], _ => new GaussianDenoiser(Flow), new HeunSampler(), TimeGrid.Uniform(Flow, 2)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Of(batch: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Of().Generate("x", 0));
        using var folder = new Tests.TemporaryFolder();
        using var starts = new TensorDataSet(zeros(3, 2));
        Assert.Throws<ArgumentException>(() => Of(starts: starts).Generate(folder.File("a.bin"), 5));
        var broken = new PairGenerator([1], _ => new GaussianDenoiser(Flow), new FlowSdeSampler(FlowDiffusion.Of(_ => 1e37)), TimeGrid.Uniform(Flow, 4));
        Assert.Contains("finite", Assert.Throws<InvalidOperationException>(() => broken.Generate(folder.File("b.bin"), 5)).Message, StringComparison.Ordinal);
    }

    private sealed class Sink(Action<PairProgress> tell) : IProgress<PairProgress>
    {
        public void Report(PairProgress value) => tell(value);
    }
}
