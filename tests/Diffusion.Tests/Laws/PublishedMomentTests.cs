using Diffusion.Denoisers;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Laws;

/// <summary>
/// Final variances of exact models on Gaussian data, known from recurrences in plain numbers to the eight digits written here, and reproduced by the
/// samplers without a random number.
/// </summary>
public class PublishedMomentTests
{
    private const double Digits = 6e-9;

    private static readonly DiscreteSchedule _ddpm = new(BetaSchedule.Linear());

    // DDPM on N(0, s²) from N(0, 1): variance s² is right. The missing part of 1 is the last step, which adds no noise.
    [Theory]
    [InlineData(1000, TimestepSpacing.Linspace, .99990000, .99106738, .99990000, .25075208, .24612521, .24990003)]
    [InlineData(10, TimestepSpacing.Linspace, .999900, .520785, .999900, .358521, .104222, .249900)]
    [InlineData(10, TimestepSpacing.Trailing, .897018, .548329, .897018, .243938, .111206, .171325)]
    [InlineData(50, TimestepSpacing.Linspace, .999900, .855057, .999900, .267883, .196420, .249900)]
    [InlineData(50, TimestepSpacing.Leading, .999900, .857434, .999900, .267526, .197245, .249900)]
    [InlineData(50, TimestepSpacing.Trailing, .994231, .857414, .994231, .261857, .197225, .244329)]
    public void DdpmLeavesTheKnownVariance(int steps, TimestepSpacing spacing, double large1, double small1, double optimal1, double large, double small, double optimal)
    {
        var grid = _ddpm.Grid(steps, spacing);
        var digits = steps == 1000 ? Digits : 6e-7;
        foreach (var (deviation, expected) in new[] { (1.0, (large1, small1, optimal1)), (0.5, (large, small, optimal)) })
        {
            var denoiser = new GaussianDenoiser(_ddpm, 0, deviation);
            Assert.Equal(expected.Item1, MomentPropagation.Of(new DdpmSampler(ReverseVariance.Large), denoiser, grid, 0, 1).Variance, digits);
            Assert.Equal(expected.Item2, MomentPropagation.Of(new DdpmSampler(ReverseVariance.Small), denoiser, grid, 0, 1).Variance, digits);
            Assert.Equal(expected.Item3, MomentPropagation.Of(new DdpmSampler(ReverseVariance.LearnedLog), new BestVariance(denoiser, grid), grid, 0, 1).Variance, digits);
        }
    }

    // v*/β and the place f* of ln v* between ln β̃ and ln β, of the variance that is right for N(0, s²) between neighbouring timesteps.
    [Theory]
    [InlineData(1, .999641, .999544, .988382, .985171)]
    [InlineData(10, .999110, .993916, .975710, .831984)]
    [InlineData(100, .995718, .762340, .983676, .088593)]
    [InlineData(500, .999370, .265574, .999152, .010839)]
    [InlineData(999, .999999, .250008, .999999, .010000)]
    public void TheBestLearnedVarianceIsTheKnownOne(int timestep, double ratioHalf, double placeHalf, double ratioTenth, double placeTenth)
    {
        var (from, to) = (_ddpm.AtTimestep(timestep), _ddpm.AtTimestep(timestep - 1));
        var step = new Transition(from, to);
        var grid = new TimeGrid(_ddpm, new GridStep(from, to));
        foreach (var (deviation, ratio, place) in new[] { (1.0, 1.0, 1.0), (0.5, ratioHalf, placeHalf), (0.1, ratioTenth, placeTenth) })
        {
            double Marginal(NoiseLevel level) => level.Alpha * level.Alpha * deviation * deviation + level.Sigma * level.Sigma;
            // The posterior's variance and, through its mean, that of the data given the state.
            var best = step.PosteriorVariance + step.PosteriorData * step.PosteriorData * deviation * deviation * from.Sigma * from.Sigma / Marginal(from);
            Assert.Equal(ratio, best / step.ForwardVariance, 6e-7);
            Assert.Equal(place, Math.Log(best / step.PosteriorVariance) / Math.Log(step.ForwardVariance / step.PosteriorVariance), 6e-7);
            // With it the sampler goes from marginal to marginal; the place is known to six digits, and so is the variance in units of β.
            var learned = new AtPlace(new GaussianDenoiser(_ddpm, 0, deviation), place);
            var reached = MomentPropagation.Of(new DdpmSampler(ReverseVariance.LearnedRange), learned, grid, 0, Marginal(from)).Variance;
            Assert.Equal(Marginal(to), reached, 6e-7 * step.ForwardVariance);
        }
    }

    [Theory]
    [InlineData(10, .83169588, .81458618, .82936923, .74041025, .72165445, .74049244, .37412849, .36161172, .36995481)]
    [InlineData(20, .91253171, .90819779, .91128566, .84304562, .83700506, .84306436, .43373442, .43045168, .43136753)]
    [InlineData(50, .96407927, .96338255, .96355098, .92597727, .92469316, .92596640, .47243911, .47191511, .47140267)]
    [InlineData(100, .98185083, .98167494, .98158179, .95999957, .95962334, .95998152, .48598057, .48584759, .48544710)]
    [InlineData(1000, .99812429, .99812429, .99812429, .99552367, .99552367, .99552367, .49849528, .49849528, .49849528)]
    public void DdimLeavesTheKnownDeviation(int steps, double leading, double even, double trailing, double leading1, double even1, double trailing1,
        double leadingHalf, double evenHalf, double trailingHalf)
    {
        var known = new[] { (TimestepSpacing.Leading, leading, leading1, leadingHalf), (TimestepSpacing.Linspace, even, even1, evenHalf), (TimestepSpacing.Trailing, trailing, trailing1, trailingHalf) };
        foreach (var (spacing, flow, ancestral, half) in known)
        {
            var grid = _ddpm.Grid(steps, spacing);
            Assert.Equal(flow, Deviation(new DdimSampler(), new GaussianDenoiser(_ddpm), grid, 1), Digits);
            Assert.Equal(ancestral, Deviation(new DdimSampler(1), new GaussianDenoiser(_ddpm), grid, 1), Digits);
            Assert.Equal(half, Deviation(new DdimSampler(), new GaussianDenoiser(_ddpm, 0, 0.5), grid, 1), Digits);
        }
    }

    [Fact]
    public void DdimOnStandardNormalDataMultipliesCosines()
    {
        // Each step turns (α, σ) by an angle, and the state shrinks by its cosine.
        var grid = _ddpm.Grid(20, TimestepSpacing.Trailing);
        var product = 1.0;
        foreach (var (at, to) in grid) product *= Math.Cos(Math.Atan2(at.Level.Sigma, at.Level.Alpha) - Math.Atan2(to.Sigma, to.Alpha));
        Assert.Equal(product, Deviation(new DdimSampler(), new GaussianDenoiser(_ddpm), grid, 1), 1e-12);
    }

    [Fact]
    public void EndingAtTheFirstTimestepIsAnotherConvention()
    {
        // Latent diffusion: one timestep later, and the last step ends at ᾱ₀ rather than at clean data.
        var grid = _ddpm.Grid(50, TimestepSpacing.Leading, offset: 1, final: _ddpm.AtTimestep(0));
        Assert.Equal(.96432265, Deviation(new DdimSampler(), new GaussianDenoiser(_ddpm), grid, 1), Digits);
    }

    public static TheoryData<string, int, double> Edm => new()
    {
        { "Euler", 10, .36521307 }, { "Euler", 18, .42303144 }, { "Euler", 40, .46485077 }, { "Euler", 80, .48232042 },
        { "Heun", 10, .60979800 }, { "Heun", 18, .52762464 }, { "Heun", 40, .50487686 }, { "Heun", 80, .50114531 },
        { "Euler ancestral", 20, .37828053 }, { "Euler ancestral", 50, .44450426 }, { "Euler ancestral", 200, .48512826 }, { "Euler ancestral", 1000, .49696568 },
        { "DPM++ 2M", 10, .57938666 }, { "DPM++ 2M", 20, .52461888 }, { "DPM++ 2M", 40, .50519242 }, { "DPM++ 2M", 100, .50073757 }, { "DPM++ 2M", 1000, .49999332 },
        { "DPM++ 2M SDE", 10, .58341336 }, { "DPM++ 2M SDE", 20, .55591870 }, { "DPM++ 2M SDE", 40, .51381207 }, { "DPM++ 2M SDE", 100, .50200569 }, { "DPM++ 2M SDE", 1000, .50001490 },
    };

    [Theory, MemberData(nameof(Edm))]
    public void OnEdmsRampTheDeviationOfHalfIsTheKnownOne(string sampler, int steps, double deviation)
    {
        var schedule = new KarrasSchedule();
        Assert.Equal(deviation, Deviation(SamplerCatalogue.Of(sampler).Make(steps), new GaussianDenoiser(schedule, 0, 0.5), TimeGrid.Karras(schedule, steps), 80 * 80), Digits);
    }

    [Fact]
    public void ChurnLeavesTheKnownDeviation()
    {
        var schedule = new KarrasSchedule();
        var denoiser = new GaussianDenoiser(schedule, 0, 0.5);
        Assert.Equal(.50248821, Deviation(new HeunSampler(new Churn(40, 0.05, 50, 1.003)), denoiser, TimeGrid.Karras(schedule, 256), 6400), Digits);
        Assert.Equal(.56222354, Deviation(new HeunSampler(new Churn(10)), denoiser, TimeGrid.Karras(schedule, 18), 6400), Digits);
    }

    [Theory]
    [InlineData(0.3, 0.5)]
    [InlineData(0, 1)]
    public void MeanAndVarianceFollowTheRecurrencesOfTheirSteps(double mean, double deviation)
    {
        // With the oracle's gain γ = αs²/(α²s² + σ²) each step is x' = f·x + g + noise: means and variances in plain numbers.
        var grid = _ddpm.Grid(25, TimestepSpacing.Trailing);
        var denoiser = new GaussianDenoiser(_ddpm, mean, deviation);
        foreach (var large in new[] { false, true })
        {
            var (m, v) = Recurrence((at, to) =>
            {
                var (a, p) = (at.Alpha * at.Alpha, to.Alpha * to.Alpha);
                var b = 1 - a / p;
                var (c1, c2) = (b * to.Alpha / (1 - a), (1 - p) * Math.Sqrt(a / p) / (1 - a));
                return (c1, c2, large ? b : b * (1 - p) / (1 - a));
            });
            AssertMoments(new DdpmSampler(large ? ReverseVariance.Large : ReverseVariance.Small), m, v);
        }

        foreach (var eta in new[] { 0, 0.4, 1 })
        {
            var (m, v) = Recurrence((at, to) =>
            {
                var (a, p) = (at.Alpha * at.Alpha, to.Alpha * to.Alpha);
                var noise = eta * eta * (1 - p) / (1 - a) * (1 - a / p);
                var turn = Math.Sqrt((1 - p - noise) / (1 - a));
                return (to.Alpha - turn * at.Alpha, turn, noise);
            });
            AssertMoments(new DdimSampler(eta), m, v);
            AssertMoments(new EulerAncestralSampler(eta), m, v);
        }

        void AssertMoments(Sampler sampler, double m, double v)
        {
            var (actualMean, actualVariance) = MomentPropagation.Of(sampler, denoiser, grid, 0.2, 0.9);
            Assert.Equal(m, actualMean, 1e-10);
            Assert.Equal(v, actualVariance, 1e-10);
        }

        (double Mean, double Variance) Recurrence(Func<NoiseLevel, NoiseLevel, (double Data, double State, double Noise)> step)
        {
            var (m, v) = (0.2, 0.9);
            foreach (var (at, to) in grid)
            {
                var level = at.Level;
                var gain = level.Alpha * deviation * deviation / (level.Alpha * level.Alpha * deviation * deviation + level.Sigma * level.Sigma);
                var (data, state, noise) = to.IsClean ? (1, 0, 0) : step(level, to);
                var factor = data * gain + state;
                (m, v) = (factor * m + data * mean * (1 - gain * level.Alpha), factor * factor * v + noise);
            }

            return (m, v);
        }
    }

    private static double Deviation(Sampler sampler, IDenoiser denoiser, TimeGrid grid, double variance) =>
        Math.Sqrt(MomentPropagation.Of(sampler, denoiser, grid, 0, variance).Variance);

    // A network whose variance output puts ln v at a place between ln β̃ (0) and ln β (1).
    private sealed class AtPlace(IDenoiser inner, double place) : IDenoiser
    {
        public NoiseSchedule Schedule => inner.Schedule;

        public Estimate Denoise(Tensor x, NoisePoint at) => new(inner.Denoise(x, at).Data, varianceOutput: full_like(x, 2 * place - 1));
    }

    // What a network with a perfectly learned reverse variance would answer: ln(β̃ + c²·Var(x₀ | x_t)), c the posterior's factor of x₀.
    private sealed class BestVariance(GaussianDenoiser inner, TimeGrid grid) : DenoiserDecorator(inner)
    {
        public override Estimate Denoise(Tensor x, NoisePoint at)
        {
            var level = at.Level;
            var to = grid.First(step => step.At.Level == level).To;
            if (to.IsClean) return Inner[0].Denoise(x, at);
            var transition = new Transition(level, to);
            var spread = Math.Pow(inner.Deviation * level.Sigma, 2) / (Math.Pow(level.Alpha * inner.Deviation, 2) + Math.Pow(level.Sigma, 2));
            var variance = transition.PosteriorVariance + transition.PosteriorData * transition.PosteriorData * spread;
            return new Estimate(Inner[0].Denoise(x, at).Data, null, full_like(x, Math.Log(variance)));
        }

        protected override IDenoiser Around(IReadOnlyList<IDenoiser> inner) => throw new NotSupportedException();
    }
}
