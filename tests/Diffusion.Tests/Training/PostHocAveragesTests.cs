using Diffusion.Checkpoints;
using Diffusion.Data;
using Diffusion.Networks;
using Diffusion.Schedules;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Training;

public sealed class PostHocAveragesTests : IDisposable
{
    private readonly OneThread _thread = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _thread.Dispose();

    [Theory]
    [InlineData(6.94, 100, 16.97, 100)]
    [InlineData(6.94, 100, 16.97, 250)]
    [InlineData(16.97, 100, 6.94, 250)]
    [InlineData(1.83, 7, 3.56, 4000)]
    [InlineData(0, 10, 2, 30)]
    public void InnerProductsAreTheIntegralsOfProducts(double gammaA, long updatesA, double gammaB, long updatesB)
    {
        var (a, b) = (new PowerFunctionProfile(gammaA, updatesA), new PowerFunctionProfile(gammaB, updatesB));
        var rule = new GaussLegendre(64);
        var end = (double)Math.Min(updatesA, updatesB);
        var integral = 0.0;
        // Halves towards 0, where a power that is not whole is not smooth.
        for (var high = end; high > end * 1e-9; high /= 2) integral += rule.Integrate(t => a.At(t) * b.At(t), high / 2, high);
        Assert.Equal(1, a.InnerProduct(b) / integral, 1e-10);
        Assert.Equal(a.InnerProduct(b), b.InnerProduct(a), 1e-18);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(6.937204)]
    public void AProfileIsWhatTheAverageRemembers(double gamma)
    {
        var profile = new PowerFunctionProfile(gamma, 40);
        var rule = new GaussLegendre(64);
        Assert.Equal(1, rule.Integrate(profile.At, 0, 40), 1e-8);
        Assert.Equal(0, profile.At(41));
        // The last update counts 1 − β, in the running average and in the profile.
        Assert.Equal(1 - AveragingRule.PowerFunction(gamma).Decay(40), rule.Integrate(profile.At, 39, 40), 1e-12);
        var mean = rule.Integrate(t => t * profile.At(t), 0, 40);
        Assert.Equal(profile.Width, Math.Sqrt(rule.Integrate(t => (t - mean) * (t - mean) * profile.At(t), 0, 40)) / 40, 1e-8);
        Assert.Equal(0.1, PowerFunctionProfile.OfWidth(0.1, 7).Width, 1e-12);
    }

    // The solver itself, without the shortcut for what is stored: as many profiles as the paper's runs have, far past where the matrix is singular to rounding.
    [Theory]
    [InlineData(2)]
    [InlineData(16)]
    [InlineData(128)]
    public void TheProjectionOfAStoredProfileIsItself(int times)
    {
        var stored = Stored(times);
        foreach (var k in new[] { 1, stored.Count / 2, stored.Count - 1 })
        {
            var coefficients = ProfileProjection.Coefficients(stored, stored[k]);
            Assert.Equal(1, coefficients.Sum(), 1e-12);
            Assert.InRange(Distance(stored, coefficients, stored[k]), 0, 2e-6); // of the profile's norm: the square root of rounding
        }
    }

    // Two widths at 16 times come within 0.3 % of a profile between them; the distance falls with more.
    [Theory]
    [InlineData(0.06, 4e-3)]
    [InlineData(0.08, 4e-3)]
    [InlineData(0.15, 1e-2)]
    public void TheProjectionOfAnotherProfileIsNearAndNoNeighbourIsNearer(double width, double tolerance)
    {
        var stored = Stored(16);
        var target = PowerFunctionProfile.OfWidth(width, 4096);
        var coefficients = ProfileProjection.Coefficients(stored, target);
        Assert.Equal(1, coefficients.Sum(), 1e-12);
        var distance = Distance(stored, coefficients, target);
        Assert.InRange(distance, 0, tolerance);
        var random = new HostRandom(1);
        for (var trial = 0; trial < 50; trial++)
        {
            var other = Array.ConvertAll(coefficients, c => c * (1 + 0.02 * (random.NextDouble() - 0.5)));
            var sum = other.Sum();
            Assert.True(Distance(stored, Array.ConvertAll(other, c => c / sum), target) > distance * 0.999);
        }
    }

    // One run keeps the averages that are stored and, for comparison, the ones that are to be made up.
    [Fact]
    public void ReconstructionsAreTheAveragesThatWouldHaveBeenTracked()
    {
        using var folder = new TemporaryFolder();
        var averages = Path.Combine(folder.Path, "averages");
        using var data = PlaneMixture.DataSet(512);
        using var loader = new DataLoader(data, 64);
        random.manual_seed(1).Dispose();
        using var network = new Mlp(2, 32, 2);
        using var other = new Mlp(2, 32, 2);
        double[] widths = [0.05, 0.10, 0.06, 0.075, 0.15, 0.20];
        using var run = new TrainingRun(network, Objective, loader, new()
        {
            Update = UpdateRule.AdamW(5e-3),
            Averages = [.. widths.Select(AveragingRule.PowerFunctionOfWidth)],
            Steps = 512,
            Snapshots = new AverageSnapshots(averages, 16),
        });
        run.Train(cancellationToken: Token);
        foreach (var path in Directory.GetFiles(averages).Where(path => path.Split("average-")[^1][0] is not ('0' or '1'))) File.Delete(path);

        using var scope = NewDisposeScope();
        var reconstructed = PostHocAverages.Open(averages);
        Assert.Equal(64, reconstructed.Profiles.Count);
        Assert.Equal(512, reconstructed.Updates);
        var report = new List<string>();
        for (var i = 0; i < widths.Length; i++)
        {
            reconstructed.CopyTo(other, reconstructed.OfWidth(widths[i]));
            var direct = run.Averages[i].Values;
            var (off, moved) = (0.0, 0.0);
            foreach (var (name, value) in other.named_parameters())
            {
                if (i < 2) Assert.True(value.IsExactly(direct[name]), name); // stored: exactly what it was
                off += (value - direct[name]).square().sum().item<float>();
                moved += (network.state_dict()[name] - direct[name]).square().sum().item<float>();
            }

            report.Add($"{widths[i]}: {Math.Sqrt(off / moved):e2}");
            // Of the distance between the average and the trained weights.
            Assert.True(Math.Sqrt(off / moved) < (widths[i] > 0.1 ? 0.05 : 0.01), string.Join("; ", report));
        }

        TestContext.Current.SendDiagnosticMessage(string.Join("; ", report));
        var middle = new PowerFunctionProfile(reconstructed.Profiles[0].Gamma, 256); // a time in the middle: later ones count nothing
        Assert.All(reconstructed.Coefficients(PowerFunctionProfile.OfWidth(0.07, 256)).Zip(reconstructed.Profiles), c => Assert.True(c.First == 0 || c.Second.Updates <= 256));
        Assert.Equal(1, reconstructed.Coefficients(middle).Sum(), 1e-12);

        var file = Path.Combine(folder.Path, "weights.safetensors");
        reconstructed.Save(file, reconstructed.OfWidth(0.075));
        reconstructed.CopyTo(network, reconstructed.OfWidth(0.075));
        using var saved = SafetensorsFile.Open(file);
        StateDict.LoadInto(other, saved); // strict: the names are those of the network
        foreach (var (name, value) in other.named_parameters()) Assert.True(value.IsExactly(network.state_dict()[name]), name);
    }

    [Fact]
    public void ARunThatGoesOnLeavesTheSameAveragesAsOneThatNeverStopped()
    {
        using var folder = new TemporaryFolder();
        using var data = PlaneMixture.DataSet(128);
        var whole = Train("whole", (null, 20));
        // Stops at 12 with a checkpoint at 8 alone, as if it had been killed; the average of step 12 is of a future that is lost.
        var resumed = Train("resumed", (8, 20), (12, 20), (null, 20));
        Assert.Equal(["average-0-00000004.safetensors", "average-0-00000008.safetensors", "average-0-00000012.safetensors", "average-0-00000016.safetensors", "average-0-00000020.safetensors"], whole.Keys);
        Assert.Equal(whole.Keys, resumed.Keys);
        foreach (var (name, content) in whole) Assert.True(content.AsSpan().SequenceEqual(resumed[name]), name);

        using var loader = new DataLoader(data, 32);
        using var network = new Mlp(2, 8, 1);
        using var second = new TrainingRun(network, Objective, loader, new()
        {
            Steps = 20,
            Averages = [AveragingRule.PowerFunction(6)],
            Snapshots = new AverageSnapshots(Path.Combine(folder.Path, "whole", "averages"), 4),
        });
        Assert.Contains("averages of a run already", Assert.Throws<InvalidOperationException>(() => second.Train(cancellationToken: Token)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new TrainingRun(network, Objective, loader, new() { Snapshots = new AverageSnapshots("x", 1) }));

        SortedDictionary<string, byte[]> Train(string name, params (long? Stop, long Steps)[] parts)
        {
            foreach (var (stop, steps) in parts)
            {
                random.manual_seed(1).Dispose();
                using var batches = new DataLoader(data, 32, new() { Seed = 3 });
                using var model = new Mlp(2, 8, 1);
                using var source = new CancellationTokenSource();
                using var run = new TrainingRun(model, Objective, batches, Settings(name, steps, r => { if (r.Step == stop) source.Cancel(); }));
                run.Resume();
                run.Train(cancellationToken: source.Token);
                if (stop == 12) Directory.Delete(Path.Combine(folder.Path, name, "checkpoints", "checkpoint-00000012"), recursive: true);
            }

            return new(Directory.GetFiles(Path.Combine(folder.Path, name, "averages")).ToDictionary(path => Path.GetFileName(path), File.ReadAllBytes));
        }

        TrainingSettings Settings(string name, long steps, Action<TrainingRun>? afterStep = null) => new()
        {
            Update = UpdateRule.Sgd(0.1),
            Averages = [AveragingRule.PowerFunction(6), AveragingRule.Constant(0.9)],
            Steps = steps,
            CheckpointFolder = Path.Combine(folder.Path, name, "checkpoints"),
            Snapshots = new AverageSnapshots(Path.Combine(folder.Path, name, "averages"), 4),
            AfterStep = afterStep,
        };
    }

    [Fact]
    public void FoldersThatHoldSomethingElseAreRefused()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<DirectoryNotFoundException>(() => PostHocAverages.Open(Path.Combine(folder.Path, "none")));
        Assert.Contains("holds no averages", Assert.Throws<InvalidDataException>(() => PostHocAverages.Open(folder.Path)).Message, StringComparison.Ordinal);
        using var w = ones(2);
        SafetensorsFile.Save(Path.Combine(folder.Path, "average-0-00000001.safetensors"), [("w", w)]);
        Assert.Contains("average-0-00000001", Assert.Throws<InvalidDataException>(() => PostHocAverages.Open(folder.Path)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new PowerFunctionProfile(-1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PowerFunctionProfile(1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PowerFunctionProfile(1, 1).At(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new AverageSnapshots("x", 0));
    }

    private static DenoisingObjective Objective { get; } = new(new RectifiedFlowSchedule(), Parameterization.Velocity());

    private static List<PowerFunctionProfile> Stored(int times) =>
        [.. Enumerable.Range(1, times).SelectMany(i => new[] { 0.05, 0.10 }.Select(width => PowerFunctionProfile.OfWidth(width, 4096L * i / times)))];

    // ‖Σcᵢpᵢ − q‖/‖q‖
    private static double Distance(List<PowerFunctionProfile> stored, double[] coefficients, PowerFunctionProfile target)
    {
        var square = target.InnerProduct(target);
        for (var i = 0; i < stored.Count; i++)
        {
            square -= 2 * coefficients[i] * stored[i].InnerProduct(target);
            for (var j = 0; j < stored.Count; j++) square += coefficients[i] * coefficients[j] * stored[i].InnerProduct(stored[j]);
        }

        return Math.Sqrt(Math.Max(square, 0) / target.InnerProduct(target));
    }
}
