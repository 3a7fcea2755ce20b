using Diffusion.Denoisers;
using Diffusion.Operators;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Tests.Operators;
using Xunit;

namespace Diffusion.Tests.Laws;

/// <summary>Linear measurements of Gaussians, whose posterior is known: what DDNM, DPS and ΠGDM make of it. Levels are in variance-exploding coordinates.</summary>
public class InverseProblemTests
{
    private const double High = 80;
    private const double Low = 1e-3;
    private static readonly KarrasSchedule Schedule = new(1e-5, 1e4);
    private static readonly GaussianDenoiser Prior = new(Schedule);

    public static TheoryData<string> Operators => LinearOperatorTests.All;

    [Theory, MemberData(nameof(Operators))]
    public void PseudoInverseGuidanceSamplesThePosteriorOfAGaussianExactly(string name)
    {
        // x ~ N(0, 1), y = Ax + σ_y·n: posterior mean Aᵀ(AAᵀ + σ_y²)⁻¹y, variance σ_y²/(s² + σ_y²) along each singular direction, 1 elsewhere.
        using var scope = NewDisposeScope();
        const double noise = 0.5;
        var (a, start, y) = LinearOperatorTests.Make(name);
        var guided = new PseudoInverseGuidance(Prior, a, y, noise);
        double Kept(double s) => Flowed(noise * noise / (s * s + noise * noise));
        var fromZero = Flow(guided, zeros_like(start));
        Same(a.Filter(a.Whiten(y, 1, noise * noise), s => 1 - Kept(s)), fromZero, 1e-6);
        Same(a.Filter(start, Kept), Flow(guided, start) - fromZero, 1e-6);
    }

    // With r² = s²σ̂²/(s² + σ̂²) the estimate is the mean of the data given state and measurement.
    [Theory]
    [InlineData(0.6, 0)]
    [InlineData(0.6, 0.3)]
    [InlineData(2, 0.3)]
    public void PseudoInverseGuidanceIsThePosteriorMeanForDataOfAnyDeviation(double deviation, double measurementNoise)
    {
        using var scope = NewDisposeScope();
        var schedule = new VariancePreservingSchedule();
        var level = schedule.At(0.3);
        var row = new MatrixOperator(new[,] { { 1.0, -0.5 } }, 2);
        var (x, y) = (tensor(new[,] { { 0.7, -0.4 } }), tensor(new[,] { { 1.3 } }));
        var guided = new PseudoInverseGuidance(new GaussianDenoiser(schedule, 0, deviation), row, y, measurementNoise, deviation).Denoise(x, level).Data;
        var (ratio, s2) = (level.NoiseToSignal * level.NoiseToSignal, deviation * deviation);
        var variance = s2 * ratio / (s2 + ratio);
        var mean = x / level.Alpha * (s2 / (s2 + ratio));
        var a = tensor(new[,] { { 1.0, -0.5 } });
        var missing = (y - (a * mean).sum()) / (variance * 1.25 + measurementNoise * measurementNoise);
        Assert.True(guided.allclose(mean + a * missing * variance, 1e-10, 1e-10));
    }

    [Theory, MemberData(nameof(Operators))]
    public void WithoutNoiseThePosteriorHasTheMeasurementAndThePriorsRest(string name)
    {
        using var scope = NewDisposeScope();
        var (a, start, drawn) = LinearOperatorTests.Make(name);
        var y = a.Apply(a.PseudoInverse(drawn)); // what can be measured
        var guided = new PseudoInverseGuidance(Prior, a, y);
        var end = Flow(guided, start);
        // A measured direction ends at A⁺y with what is left of the start, low/high of it; another as the prior's flow leaves it.
        Same(a.Filter(start, s => s == 0 ? Flowed(1) : Low / High) + a.PseudoInverse(y) * (1 - Low / High), end, 1e-6);
    }

    [Theory, MemberData(nameof(Operators))]
    public void ANullSpaceEstimateHasTheMeasurementExactlyAndTheModelsRest(string name)
    {
        using var scope = NewDisposeScope();
        var (a, x, drawn) = LinearOperatorTests.Make(name);
        var y = a.Apply(a.PseudoInverse(drawn));
        NoisePoint at = NoiseLevel.Of(1, 2);
        var (estimate, raw) = (new NullSpaceDenoiser(Prior, a, y).Denoise(x, at).Data, Prior.Denoise(x, at).Data);
        Same(y, a.Apply(estimate), 1e-9);
        Same(a.Filter(raw, s => s == 0 ? 1 : 0), a.Filter(estimate, s => s == 0 ? 1 : 0), 1e-9);
    }

    [Fact]
    public void BehindAMaskTheKnownPixelsComeBackBitForBit()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(8);
        var vp = new VariancePreservingSchedule();
        var image = noise.Next([2, 3, 6, 6], ScalarType.Float32, CPU);
        var known = noise.Next([2, 1, 6, 6], ScalarType.Float32, CPU).gt(0);
        var denoiser = new NullSpaceDenoiser(new GaussianDenoiser(vp, 0.1, 0.7), new MaskOperator(known), image);
        foreach (var sampler in new Sampler[] { new DdimSampler(), new DdpmSampler(), DpmSolverMultistepSampler.PlusPlus2M(), new DdnmSampler(new MaskOperator(known), image) })
        {
            var end = sampler.Sample(denoiser, noise.NextLike(image), TimeGrid.Uniform(vp, 8), noise);
            Assert.True(where(known, end.eq(image), ones_like(known)).all().item<bool>());
            Assert.False(end.eq(image).all().item<bool>());
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(0.5)]
    [InlineData(2)]
    public void PosteriorSamplingGuidanceIsOverconfidentByAKnownAmount(double noise)
    {
        // With u = 1/(1 + σ²) the flow of x' = (x − D)/σ is solved by hand: the deviation keeps √(u_h/u_l)·e^(−k(u_l − u_h)/2) of itself, k = 1/σ_y²; the mean is
        // y·k·e^(−k/2)·∫₀¹ e^(ku²/2) du in the limit of endless noise.
        using var scope = NewDisposeScope();
        var k = 1 / (noise * noise);
        var y = tensor(new[] { 1.0 }).view(1, 1, 1);
        var guided = new PosteriorSamplingGuidance(Prior, new MaskOperator(ones([1], ScalarType.Bool)), y, noise);
        var fromZero = Flow(guided, zeros(1, 1, 1, dtype: float64), 3e3).item<double>();
        var factor = Flow(guided, ones(1, 1, 1, dtype: float64), 3e3).item<double>() - fromZero;
        var (high, low) = (1 / (1 + 9e6), 1 / (1 + Low * Low));
        Assert.Equal(1, factor / (Math.Sqrt(high / low) * Math.Exp(-k * (low - high) / 2)), 1e-6);
        var mean = k * Math.Exp(-k / 2) * Simpson(u => Math.Exp(k * u * u / 2));
        Assert.Equal(mean, fromZero, 1e-3);
        var (variance, exact) = (factor * factor * 9e6, noise * noise / (1 + noise * noise));
        Assert.Equal(Math.Exp(-k), variance, 1e-5);
        Assert.True(variance < exact && mean > 1 / (1 + noise * noise));
    }

    [Theory, MemberData(nameof(Operators))]
    public void AStepOfNoisyDdnmHasTheStepsOwnNoiseInEveryDirection(string name)
    {
        // The measurement's noise that a step takes over and the noise that it adds make up that of the posterior.
        using var scope = NewDisposeScope();
        var schedule = new DiscreteSchedule(BetaSchedule.Linear(1000));
        var (a, x, y) = LinearOperatorTests.Make(name);
        var resting = new Zero(schedule);
        foreach (var (from, to, sigma) in new[] { (600, 500, 0.3), (600, 500, 3.0), (40, 20, 0.5) })
        {
            var grid = new TimeGrid(schedule, new GridStep(schedule.AtTimestep(from), schedule.AtTimestep(to)));
            var transition = new Transition(grid[0].At.Level, grid[0].To);
            Tensor Run(Tensor measurement, NoiseSource noise) => new DdnmSampler(a, measurement, sigma).Sample(resting, zeros_like(x), grid, noise);
            using var silent = new Fixed(zeros_like(x));
            using var drawn = new Fixed(x);
            var ofNoise = Run(zeros_like(y), drawn); // the noise's filter on x
            var ofMeasurement = Run(a.Apply(x), silent); // λ·a of x in what is measured
            // Both are filters of x by √γ and a·λ; applied once more by known functions they must add up: γ + (aλσ/s)² = τ².
            var taken = Math.Sqrt(transition.PosteriorVariance) / (transition.PosteriorData * sigma);
            double Lambda(double s) => s == 0 ? 0 : Math.Min(1, taken * s);
            double Gamma(double s) => s == 0 ? transition.PosteriorVariance : transition.PosteriorVariance - Math.Pow(transition.PosteriorData * Lambda(s) * sigma / s, 2);
            Same(a.Filter(x, s => transition.PosteriorData * Lambda(s)), ofMeasurement, 1e-8);
            Same(a.Filter(x, s => Math.Sqrt(Math.Max(0, Gamma(s)))), ofNoise, 1e-7);
        }
    }

    [Fact]
    public void WithoutNoiseNoisyDdnmIsTheAncestralSamplerOfTheNullSpaceEstimate()
    {
        using var scope = NewDisposeScope();
        var vp = new VariancePreservingSchedule();
        var (a, start, y) = LinearOperatorTests.Make("blur");
        var prior = new GaussianDenoiser(vp, 0.2, 0.8);
        Tensor Run(IDenoiser denoiser, Sampler sampler)
        {
            using var noise = NoiseSource.FromSeed(3);
            return sampler.Sample(denoiser, start, TimeGrid.Uniform(vp, 6), noise);
        }

        Same(Run(new NullSpaceDenoiser(prior, a, y), new DdpmSampler()), Run(prior, new DdnmSampler(a, y)), 1e-9);
    }

    [Fact]
    public void ThePublishedPosteriorSamplerStepsDownTheDistance()
    {
        using var scope = NewDisposeScope();
        var schedule = new DiscreteSchedule(BetaSchedule.Linear(1000));
        var (a, x, y) = LinearOperatorTests.Make("matrix");
        var prior = new GaussianDenoiser(schedule, 0.2, 0.8);
        var grid = new TimeGrid(schedule, new GridStep(schedule.AtTimestep(500), schedule.AtTimestep(480)));
        Tensor Run(Sampler sampler)
        {
            using var noise = NoiseSource.FromSeed(3);
            return sampler.Sample(prior, x, grid, noise);
        }

        var change = Run(new DpsSampler(a, y, 0.3)) - Run(new DdpmSampler());
        var level = grid[0].At.Level;
        var slope = level.Alpha * 0.64 / (level.Alpha * level.Alpha * 0.64 + level.Sigma * level.Sigma); // ∂x̂₀/∂x
        var residual = a.Residual(prior.Denoise(x, level).Data, y);
        Same(a.Transpose(residual / residual.norm(1, true, 2)) * (0.3 * slope), change, 1e-9);
    }

    [Fact]
    public void AUsersOwnOperatorServesWhatNeedsNoSpectrum()
    {
        using var scope = NewDisposeScope();
        var (a, start, y) = LinearOperatorTests.Make("blur");
        var own = LinearOperator.Of(a.Apply, a.Transpose);
        NoisePoint at = NoiseLevel.Of(1, 0.7);
        Same(new PseudoInverseGuidance(Prior, a, y, 0.3).Denoise(start, at).Data, new PseudoInverseGuidance(Prior, own, y, 0.3).Denoise(start, at).Data, 1e-9);
        Assert.Contains("ΠGDM", Assert.Throws<ArgumentException>(() => new NullSpaceDenoiser(Prior, own, y)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new DdnmSampler(own, y));
    }

    [Fact]
    public void MisuseIsRefusedInWords()
    {
        using var scope = NewDisposeScope();
        var (a, x, y) = LinearOperatorTests.Make("down");
        Assert.Throws<ArgumentOutOfRangeException>(() => new PosteriorSamplingGuidance(Prior, a, y, 0));
        var flow = new RectifiedFlowSchedule();
        Assert.Contains("α = 0", Assert.Throws<ArgumentException>(() => new PseudoInverseGuidance(new GaussianDenoiser(flow), a, y).Denoise(x, flow.At(1))).Message, StringComparison.Ordinal);
        Assert.Contains("measurement", Assert.Throws<ArgumentException>(() => new PseudoInverseGuidance(Prior, a, x).Denoise(x, NoiseLevel.Of(1, 1))).Message, StringComparison.Ordinal);
        Assert.Contains("measurement", Assert.Throws<ArgumentException>(() => new NullSpaceDenoiser(Prior, a, x).Denoise(x, NoiseLevel.Of(1, 1))).Message, StringComparison.Ordinal);
    }

    private static double Flowed(double variance) => Math.Sqrt((variance + Low * Low) / (variance + High * High));

    private static double Simpson(Func<double, double> f, int n = 1000)
    {
        var sum = f(0) + f(1);
        for (var i = 1; i < n; i++) sum += (i % 2 == 0 ? 2 : 4) * f((double)i / n);
        return sum / (3 * n);
    }

    // By Runge and Kutta in 0.04 a step of ln σ: errors of 1e-7.
    private static Tensor Flow(IDenoiser denoiser, Tensor start, double high = High)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var count = (int)Math.Ceiling(Math.Log(high / Low) / 0.04);
        var points = new NoisePoint[count];
        for (var i = 0; i < count; i++) points[i] = NoiseLevel.Of(1, high * Math.Pow(Low / high, (double)i / count));
        return new RungeKutta4Sampler().Sample(denoiser, start, TimeGrid.FromPoints(Schedule, points, NoiseLevel.Of(1, Low)), noise).MoveToOuterDisposeScope();
    }

    private static void Same(Tensor expected, Tensor actual, double tolerance)
    {
        Assert.Equal(expected.shape, actual.shape);
        var deviation = (expected - actual).abs().max().item<double>() / Math.Max(1, expected.abs().max().item<double>());
        Assert.True(deviation < tolerance, $"{deviation:e3}");
    }

    private sealed class Zero(NoiseSchedule schedule) : IDenoiser
    {
        public NoiseSchedule Schedule => schedule;

        public Estimate Denoise(Tensor x, NoisePoint at) => new(zeros_like(x));
    }

    private sealed class Fixed(Tensor value) : NoiseSource
    {
        public override Tensor Next(ReadOnlySpan<long> shape, ScalarType dtype, Device device) => value.alias();

        public override double NextDouble() => throw new NotSupportedException();
    }
}
