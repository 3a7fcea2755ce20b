using Diffusion.Denoisers;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Laws;

/// <summary>
/// What each way of guiding does to Gaussians, where everything is known: the deviation and the mean that the exact flow leaves. (Reference table GD.) Levels are in variance-exploding coordinates, α = 1.
/// </summary>
public class GuidanceLawTests
{
    private const double High = 80;
    private const double Low = 1e-3;
    private static readonly KarrasSchedule Schedule = new(1e-5, 1e4);

    // s_c = ½ and s_u = 1.
    private static readonly GaussianDenoiser Conditional = new(Schedule, 0, 0.5);
    private static readonly GaussianDenoiser Unconditional = new(Schedule);

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 0.5)]
    [InlineData(2, 0.25)]
    [InlineData(4, 0.0625)]
    [InlineData(7.5, 0.005524)]
    [InlineData(-1, 2)]
    public void GuidanceMultipliesPowersOfTheDeviations(double scale, double tabulated)
    {
        var (factor, _) = Flow(new ClassifierFreeGuidance(Conditional, Unconditional, scale));
        Assert.Equal(1, factor / (Math.Pow(Kept(0.5), scale) * Math.Pow(Kept(1), 1 - scale)), 1e-6);
        Assert.Equal(1, factor * High / tabulated, 2e-3); // the table's limit of endless noise
    }

    [Theory]
    [InlineData(2, 0.377964)]
    [InlineData(4, 0.277350)]
    [InlineData(7.5, 0.206284)]
    public void GuidanceDoesNotSampleTheTiltedProduct(double scale, double tilted)
    {
        // p(x)^{1−w}·p(x|y)^w has the precision w/s_c² + (1 − w)/s_u².
        Assert.Equal(tilted, 1 / Math.Sqrt(scale / 0.25 + (1 - scale)), 1e-6);
        var (factor, _) = Flow(new ClassifierFreeGuidance(Conditional, Unconditional, scale));
        Assert.True(factor * High < 0.7 * tilted);
    }

    [Fact]
    public void BetweenEqualDeviationsTheMeansAreExtrapolated()
    {
        var guided = new ClassifierFreeGuidance(new GaussianDenoiser(Schedule, 2, 0.5), new GaussianDenoiser(Schedule, -1, 0.5), 3);
        var (factor, offset) = Flow(guided);
        var mean = 3 * 2 + (1 - 3) * -1.0;
        Assert.Equal(mean * (1 - factor), offset, 1e-6); // x = m stays where it is
    }

    [Theory]
    [InlineData(0, 0.869206)]
    [InlineData(2, 0.287619)]
    [InlineData(4, 0.095173)]
    [InlineData(7.5, 0.013740)]
    public void InALimitedIntervalTheExponentHoldsOnlyThere(double scale, double tabulated)
    {
        var guided = new GuidanceInterval(new ClassifierFreeGuidance(Conditional, Unconditional, scale), Conditional, 0.28, 2.9);
        const double above = 1 + 1e-9; // the interval holds its upper end but not its lower
        var factor = Flow(guided, High, 2.9 * above).Factor * Flow(guided, 2.9, 0.28 * above).Factor * Flow(guided, 0.28, Low).Factor;
        double Segment(double deviation) => Kept(deviation, 2.9, 0.28);
        Assert.Equal(1, factor / (Kept(0.5) * Math.Pow(Segment(0.5) / Segment(1), scale - 1)), 1e-6);
        Assert.Equal(1, factor * High / tabulated, 2e-3);
    }

    [Fact]
    public void AScaleOfTheLevelIsAnInterval()
    {
        using var scope = NewDisposeScope();
        var scheduled = new ClassifierFreeGuidance(Conditional, Unconditional, GuidanceRule.Scheduled(level => level.NoiseToSignal is > 0.28 and <= 2.9 ? 3 : 1));
        var interval = new GuidanceInterval(new ClassifierFreeGuidance(Conditional, Unconditional, 3), Conditional, 0.28, 2.9);
        var x = tensor(new[] { 0.7, -2 });
        foreach (var sigma in new[] { 0.1, 0.28, 0.5, 2.9, 5 })
            Assert.True(scheduled.Denoise(x, NoiseLevel.Of(1, sigma)).Data.allclose(interval.Denoise(x, NoiseLevel.Of(1, sigma)).Data, 1e-13, 1e-13));
    }

    [Theory]
    [InlineData(2.1, 1.5)]
    [InlineData(3, 0.8)]
    public void AutoguidanceKeepsTheMeanAndMultipliesPowersOfTheDeviations(double scale, double spread)
    {
        var (factor, offset) = Flow(ClassifierFreeGuidance.FromWeakerModel(new GaussianDenoiser(Schedule, 0.4, 0.5), new GaussianDenoiser(Schedule, 0.4, 0.5 * spread), scale));
        Assert.Equal(1, factor / (Math.Pow(Kept(0.5), scale) * Math.Pow(Kept(0.5 * spread), 1 - scale)), 1e-6);
        Assert.Equal(0.4 * (1 - factor), offset, 1e-6);
    }

    [Fact]
    public void ACompositionMultipliesPowersOfAllDeviations()
    {
        var guided = new ComposedGuidance(Unconditional, new WeightedCondition(Conditional, 1.5), new WeightedCondition(new GaussianDenoiser(Schedule, 0, 0.3), 0.7), new WeightedCondition(new GaussianDenoiser(Schedule, 0, 2), -0.4));
        var (factor, _) = Flow(guided);
        var expected = Math.Pow(Kept(0.5), 1.5) * Math.Pow(Kept(0.3), 0.7) * Math.Pow(Kept(2), -0.4) * Math.Pow(Kept(1), 1 - 1.5 - 0.7 + 0.4);
        Assert.Equal(1, factor / expected, 1e-6);
    }

    [Theory] // prior N(0, 1), measurement y with variance r²
    [InlineData(1, 1, 0.5)]
    [InlineData(1, 2, 0.25)]
    [InlineData(1, 4, 0.0625)]
    [InlineData(1, 10, 0.000977)]
    [InlineData(0.25, 1, 0.2)]
    [InlineData(0.25, 2, 0.04)]
    [InlineData(0.25, 4, 0.0016)]
    public void ClassifierGuidanceRaisesThePosteriorsVarianceToItsScale(double noise, double scale, double tabulated)
    {
        var posterior = Math.Sqrt(noise / (1 + noise));
        var (factor, _) = Flow(new ClassifierGuidance(Unconditional, Exact(0, noise), scale));
        Assert.Equal(1, factor / (Math.Pow(Kept(posterior), scale) * Math.Pow(Kept(1), 1 - scale)), 1e-6);
        Assert.Equal(1, factor * High * factor * High / tabulated, 5e-3);
    }

    [Theory] // at σ_max = 80; the tempered posterior would be at 1/(1 + r²/γ)
    [InlineData(2, 0.80536)]
    [InlineData(4, 1.10246)]
    [InlineData(10, 1.17073)]
    public void ClassifierGuidanceOvershootsTheMeasurement(double scale, double tabulated)
    {
        var (_, offset) = Flow(new ClassifierGuidance(Unconditional, Exact(1, 1), scale), High, 1e-4);
        Assert.Equal(tabulated, offset, 1e-5);
        Assert.True(offset > 1 / (1 + 1 / scale));
    }

    [Fact]
    public void WithScaleOneClassifierGuidanceSamplesThePosterior()
    {
        var (factor, offset) = Flow(new ClassifierGuidance(Unconditional, Exact(3, 0.25)));
        // Mean y/(1 + r²), up to what the start at zero lacks of the noisy mean.
        Assert.Equal(3 / 1.25 * (1 - factor), offset, 1e-6);
        Assert.Equal(Kept(Math.Sqrt(0.2)), factor, 1e-8);
    }

    [Fact]
    public void ALossIsAClassifierWhereverItLooks()
    {
        // Through the estimate the chain rule gives the oracle's own gradient: p(y | x_t) = N(y; x̂₀, r² + Var).
        using var scope = NewDisposeScope();
        const double y = 1.3, noise = 0.4;
        var exact = Exact(y, noise);
        var classifier = new ClassifierGuidance(Unconditional, exact, 2.5);
        var onState = new LossGuidance(Unconditional, (x, at) => exact(x, at).neg(), 2.5, LossArgument.State);
        var onEstimate = new LossGuidance(Unconditional, (data, at) => (data - y).square() / (2 * (noise + Spread(at.Level))), 2.5);
        var x = tensor(new[] { 0.7, -2, 5 });
        foreach (var sigma in new[] { 0.05, 1, 20 })
        {
            var expected = classifier.Denoise(x, NoiseLevel.Of(1, sigma)).Data;
            Assert.True(onState.Denoise(x, NoiseLevel.Of(1, sigma)).Data.allclose(expected, 1e-12, 1e-12));
            Assert.True(onEstimate.Denoise(x, NoiseLevel.Of(1, sigma)).Data.allclose(expected, 1e-12, 1e-12));
        }
    }

    [Fact]
    public void TheMeanShiftDiffersFromTheScoreShiftByTheRatioOfTheAlphas()
    {
        using var scope = NewDisposeScope();
        var schedule = new DiscreteSchedule(BetaSchedule.Linear(1000));
        var denoiser = new GaussianDenoiser(schedule);
        Func<Tensor, NoisePoint, Tensor> log = (x, _) => (x - 1).square().mul(-0.3);
        var one = new TimeGrid(schedule, new GridStep(schedule.AtTimestep(500), schedule.AtTimestep(400)));
        var start = tensor(new[] { 0.5, -1.5 });
        Tensor Run(IDenoiser guided, Sampler sampler)
        {
            using var noise = NoiseSource.FromSeed(3);
            return sampler.Sample(guided, start, one, noise);
        }

        var plain = Run(denoiser, new DdpmSampler(ReverseVariance.Large));
        var byScore = Run(new ClassifierGuidance(denoiser, log, 2), new DdpmSampler(ReverseVariance.Large)) - plain;
        var byMean = Run(denoiser, new MeanShiftSampler(log, 2, ReverseVariance.Large)) - plain;
        var transition = new Transition(one[0].At.Level, one[0].To);
        Assert.True(byMean.allclose(byScore * transition.AlphaRatio, 1e-10, 1e-12));
        // At the mean: ∇ = −0.6(μ − 1), times γ and the small variance.
        var mean = denoiser.Denoise(start, one[0].At).Data * transition.PosteriorData + start * transition.PosteriorState;
        var small = Run(denoiser, new MeanShiftSampler(log, 2, ReverseVariance.Small, GradientPoint.Mean)) - Run(denoiser, new DdpmSampler());
        Assert.True(small.allclose((mean - 1) * (-0.6 * 2 * transition.PosteriorVariance), 1e-10, 1e-12));
        // A network that predicts ln β itself is the large variance.
        var learning = new Learned(denoiser, Math.Log(transition.ForwardVariance));
        var learned = Run(learning, new MeanShiftSampler(log, 2, ReverseVariance.LearnedLog)) - Run(learning, new DdpmSampler(ReverseVariance.LearnedLog));
        Assert.True(learned.allclose(byMean, 1e-10, 1e-12));
    }

    // ln N(y; E[x₀ | x], r² + Var[x₀ | x]) of the unit prior.
    private static Func<Tensor, NoisePoint, Tensor> Exact(double y, double noise) => (x, at) =>
        (x / (1 + at.Level.Sigma * at.Level.Sigma) - y).square().mul(-0.5 / (noise + Spread(at.Level)));

    private static double Spread(NoiseLevel level) => level.Sigma * level.Sigma / (1 + level.Sigma * level.Sigma);

    // What the exact flow keeps of a deviation from the mean of N(m, s²): √((s² + low²)/(s² + high²)).
    private static double Kept(double deviation, double high = High, double low = Low) => Math.Sqrt((deviation * deviation + low * low) / (deviation * deviation + high * high));

    // The affine map of the exact flow of a guided denoiser between two levels, by Runge and Kutta in 0.02 a step of ln σ: errors of 3e-7 at a scale of 7.5.
    private static (double Factor, double Offset) Flow(IDenoiser denoiser, double high = High, double low = Low)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var count = (int)Math.Ceiling(Math.Log(high / low) / 0.02);
        var points = new NoisePoint[count];
        for (var i = 0; i < count; i++) points[i] = NoiseLevel.Of(1, high * Math.Pow(low / high, (double)i / count));
        var grid = TimeGrid.FromPoints(denoiser.Schedule, points, NoiseLevel.Of(1, low));
        var end = new RungeKutta4Sampler().Sample(denoiser, tensor(new[] { 1.0, -1 }), grid, noise).data<double>().ToArray();
        return ((end[0] - end[1]) / 2, (end[0] + end[1]) / 2);
    }

    private sealed class Learned(IDenoiser inner, double log) : DenoiserDecorator(inner)
    {
        public override Estimate Denoise(Tensor x, NoisePoint at) => new(Inner[0].Denoise(x, at).Data, null, full_like(x, log));

        protected override IDenoiser Around(IReadOnlyList<IDenoiser> inner) => new Learned(inner[0], log);
    }
}
