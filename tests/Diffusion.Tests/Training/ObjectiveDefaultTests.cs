using Diffusion.Schedules;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Training;

/// <summary>What holds for all objectives: published defaults, batches of one, errors that name the argument.</summary>
public class ObjectiveDefaultTests
{
    private static readonly VariancePreservingSchedule Schedule = new();

    [Fact]
    public void DefaultsAreThePublishedOnes()
    {
        Assert.Equal(0.001, new HybridObjective(TimeGrid.Uniform(Schedule, 4), Parameterization.Epsilon()).BoundWeight);
        Assert.True(new OptimalTransportCoupling().WithinClasses);
        Assert.Equal(10_000, new EntropicTransportCoupling(1).MaxIterations);
        Assert.Equal(1e-4, new EntropicTransportCoupling(1).Tolerance);
        Assert.Equal(2 * 0.7 * 0.7, EntropicTransportCoupling.SchrodingerBridge(0.7).Regularization, 1e-15);
        var times = new SuperResolutionObjective(new DenoisingObjective(Schedule, Parameterization.V()), x => x, new NoiseAugmentation(Schedule)).AugmentationTimes;
        Assert.Equal(0.25, times.TimeAt(0.5, Schedule), 1e-12);
    }

    // The only sample of a batch is noised and labelled as any.
    [Fact]
    public void ABatchOfOneIsTrainedOn()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(3);
        using var network = new Seeing();
        var x0 = full(1, 2, 3.0, float64);
        new NoisyClassifierObjective(Schedule, Parameterization.V()).Loss(network, x0, Conditioning.ForClasses([1]), noise);
        Seen();
        new ScoreMatchingObjective(ScoreMatching.Sliced(), Schedule, Parameterization.V()).Loss(network, x0, null, noise);
        Seen();
        new ContinuousBoundObjective(new LearnedSchedule(), Parameterization.V(NoiseLabel.LogSigma)).Loss(network, x0, null, noise);
        Seen();

        void Seen()
        {
            Assert.True(network.Input > 0.01 && network.Label != 0, $"{network.Input}, {network.Label}");
            (network.Input, network.Label) = (0, 0);
        }
    }

    // On data that is 0 everywhere v is α·ε and the state σ·ε, so a network can be perfect: what is left is the ends.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void APerfectNetworkLeavesTheEndsOfTheBound(bool discrete)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(3);
        const double Start = -6, End = 5; // γ = −log-SNR
        using var network = new Perfect();
        var objective = new ContinuousBoundObjective(new LearnedSchedule(-Start, -End), Parameterization.V(NoiseLabel.LogSigma)) { Decoder = discrete ? new DiscretizedGaussian(new Quantization(256)) : null };
        var terms = objective.Terms(network, zeros(20_000, 1, float64), null, noise).PerSample!;
        var sigmaSquared = 1 / (1 + Math.Exp(-End));
        var prior = (sigmaSquared - 1 - Math.Log(sigmaSquared)) / 2;
        var continuous = prior + (Start + Math.Log(2 * Math.PI) + 1) / 2;
        if (!discrete)
        {
            Assert.True((terms - continuous).abs().max().item<double>() < 1e-9);
            return;
        }

        // A level is 2/255 wide, much less than the decoder's deviation e^{−3}: its probability is width times density.
        var spread = terms.std().item<double>() / Math.Sqrt(20_000);
        Assert.Equal(continuous - Math.Log(2.0 / 255), terms.mean().item<double>(), 4 * spread + 1e-3);
    }

    // v = α·ε of a state σ·ε, from the label ln(σ/α).
    private sealed class Perfect() : DenoisingNetwork("Perfect")
    {
        public override Tensor forward(Tensor input1, Tensor input2, Conditioning? input3)
        {
            using var scope = NewDisposeScope();
            return (input1 * input2.neg().exp().view(-1, 1)).MoveToOuterDisposeScope();
        }
    }

    [Fact]
    public void ObjectivesNameWhatIsMissing()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        using var network = new ScaleNetwork();
        Assert.Equal("path", Assert.Throws<ArgumentNullException>(() => new InterpolantObjective(null!, LatentNoise.None)).ParamName);
        Assert.Equal("latent", Assert.Throws<ArgumentNullException>(() => new InterpolantObjective(Schedule, null!)).ParamName);
        var bound = new ContinuousBoundObjective(new LearnedSchedule(), Parameterization.V(NoiseLabel.LogSigma));
        Assert.Equal("noise", Assert.Throws<ArgumentNullException>(() => bound.Loss(network, ones(2, 1, float64), null, null!)).ParamName);
        var floor = new DenoisingObjective(Schedule, Parameterization.Data());
        foreach (var points in new[] { 1, -1 })
            Assert.Equal("points", Assert.Throws<ArgumentOutOfRangeException>(() => floor.FloorOf(_ => 1, points)).ParamName);
    }

    [Fact]
    public void PairsAndLogitsOfOtherShapesAreRefusedInWords()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(3);
        foreach (var (batch, shape) in new[] { (ones(2, 2), "[2, 2]"), (ones(2, 3, 4), "[2, 3, 4]"), (ones(2, 1, 4), "[2, 1, 4]") })
            Assert.Contains(shape, Assert.Throws<ArgumentException>(() => Coupling.Paired.Couple(batch, null, noise)).Message, StringComparison.Ordinal);
        foreach (var shape in new long[][] { [2], [3, 4], [2, 4, 1] })
        {
            using var network = new Shaped(shape);
            var error = Assert.Throws<InvalidOperationException>(() => new NoisyClassifierObjective(Schedule, Parameterization.V()).Loss(network, ones(2, 3), Conditioning.ForClasses([0, 1]), noise));
            Assert.Contains($"[{string.Join(", ", shape)}]", error.Message, StringComparison.Ordinal);
        }

        var objective = new SuperResolutionObjective(new DenoisingObjective(Schedule, Parameterization.V()), x => x.alias(), new NoiseAugmentation(Schedule));
        using var answering = new Seeing();
        var terms = objective.Terms(answering, randn(3, 1, 2, 2, dtype: float64), null, noise);
        Assert.Equal(terms.Loss.item<double>(), terms.PerSample!.mean().item<double>(), 1e-12); // both outlive the call
        Assert.Equal("network", Assert.Throws<ArgumentNullException>(() => objective.Loss(null!, ones(1, 1, 2, 2), null, noise)).ParamName);
        using var some = new Seeing();
        Assert.Equal("noise", Assert.Throws<ArgumentNullException>(() => objective.Loss(some, ones(1, 1, 2, 2), null, null!)).ParamName);
        Assert.Contains("[1, 4]", Assert.Throws<ArgumentException>(() => objective.Loss(some, ones(1, 4), null, noise)).Message, StringComparison.Ordinal);
    }

    // Remembers what it was asked; its answer serves as data or as two logits.
    private sealed class Seeing() : DenoisingNetwork("Seeing")
    {
        public double Input { get; set; }

        public double Label { get; set; }

        public override Tensor forward(Tensor input1, Tensor input2, Conditioning? input3)
        {
            using var scope = NewDisposeScope();
            (Input, Label) = (input1.detach().abs().max().item<double>(), input2.detach()[0].to(float64).item<double>());
            return (input1 * 0.3).MoveToOuterDisposeScope();
        }
    }

    private sealed class Shaped(long[] shape) : DenoisingNetwork("Shaped")
    {
        public override Tensor forward(Tensor input1, Tensor input2, Conditioning? input3) => zeros(shape);
    }
}
