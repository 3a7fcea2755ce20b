using Diffusion.Denoisers;
using Diffusion.Operators;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Core;

/// <summary>Every number that has limits is refused just outside of them, by name and with its value, and taken at them.</summary>
public sealed class LimitTests
{
    private const double Infinity = double.PositiveInfinity;

    private static readonly double[] _unit = [0, 0.5, 1];
    private static readonly double[] _besideUnit = [-0.01, 1.01, double.NaN, Infinity];
    private static readonly double[] _positive = [1e-3, 0.5, 1, 1e3];
    private static readonly double[] _notPositive = [0, -1, double.NaN, Infinity, -Infinity];
    private static readonly double[] _notNegative = [0, 0.5, 1, 1e3];
    private static readonly double[] _negative = [-0.01, -1, double.NaN, Infinity];
    private static readonly double[] _insideUnit = [0.01, 0.5, 0.99];
    private static readonly double[] _besideInsideUnit = [0, 1, -1, 2, double.NaN];

    private static readonly NoiseSchedule _flow = new RectifiedFlowSchedule();
    private static readonly IDenoiser _denoiser = new GaussianDenoiser(_flow);
    private static readonly TimeGrid _grid = TimeGrid.Uniform(_flow, 4);

    public static TheoryData<string, string, Func<double, object>, double[], double[]> Numbers => new()
    {
        { "clamped", "range", v => new ClampedDenoiser(_denoiser, v), _positive, _notPositive },
        { "consistency", "scaling", v => new ConsistencyDenoiser(_denoiser, NoiseLabel.Time(), scaling: v), _positive, _notPositive },
        { "consistency of data", "sigmaData", v => new ConsistencyDenoiser(_denoiser, NoiseLabel.Time(), sigmaData: v), _positive, _notPositive },
        { "threshold", "ratio", v => new DynamicThreshold(_denoiser, v), _unit, _besideUnit },
        { "largest threshold", "maximum", v => new DynamicThreshold(_denoiser, 0.9, v), [1e-3, 0.5, 1, Infinity], [0, -1, double.NaN] },
        { "Gaussian's mean", "mean", v => new GaussianDenoiser(_flow, v), [-1, 0, 1], [double.NaN, Infinity, -Infinity] },
        { "Gaussian's deviation", "deviation", v => new GaussianDenoiser(_flow, 0, v), _notNegative, _negative },
        { "interval's lower end", "low", v => new GuidanceInterval(_denoiser, _denoiser, v, Infinity), _notNegative, [-0.01, double.NaN, Infinity] },
        { "interval's upper end", "high", v => new GuidanceInterval(_denoiser, _denoiser, 1, v), [1.01, 2, Infinity], [1, 0.5, double.NaN] },
        { "rescaling", "mix", v => GuidanceRule.Rescaled(2, v), _unit, _besideUnit },
        { "projection's norm", "largestNorm", v => GuidanceRule.Projected(2, 0, v), [1e-3, 0.5, 1, Infinity], [0, -1, double.NaN] },
        { "projection's momentum", "momentum", v => GuidanceRule.Projected(2, 0, 1, v), [-0.99, -0.75, 0, 0.99], [-1, 1, -2, 2, double.NaN] },
        { "η of DDIM", "eta", v => new DdimSampler(v), _unit, _besideUnit },
        { "η of ancestral steps", "eta", v => new EulerAncestralSampler(v), _notNegative, _negative },
        { "noise of ancestral steps", "noiseScale", v => new EulerAncestralSampler(1, v), _notNegative, _negative },
        { "η of the adaptive solver", "eta", v => new DpmAdaptiveSampler(eta: v), _notNegative, _negative },
        { "noise of the adaptive solver", "noiseScale", v => new DpmAdaptiveSampler(noiseScale: v), _notNegative, _negative },
        { "smallest Karras level", "sigmaMin", v => new KarrasSchedule(v, 1e6), _positive, _notPositive },
        { "largest Karras level", "sigmaMax", v => new KarrasSchedule(1, v), [1.01, 2], [1, 0.5, double.NaN, Infinity] },
        { "first β", "betaMin", v => new VariancePreservingSchedule(v, 1e4), _notNegative, _negative },
        { "last β", "betaMax", v => new VariancePreservingSchedule(0.1, v), [0.1, 0.5, 20], [0.09, 0, -1, double.NaN, Infinity] },
        { "last β after none", "betaMax", v => new VariancePreservingSchedule(0, v), [0.1, 20], [0, -1, double.NaN, Infinity] },
        { "shift", "shift", v => new ShiftedSchedule(_flow, v), _positive, _notPositive },
        { "tokens", "tokens", v => ShiftedSchedule.ForTokens(v), _positive, _notPositive },
        { "first log-SNR", "startLogSnr", v => new MonotoneSchedule(v, -5, 1, [], [], []), [-4.9, 0, 5], [double.NaN, Infinity, -Infinity] },
        { "last log-SNR", "endLogSnr", v => new MonotoneSchedule(5, v, 1, [], [], []), [4.9, 0, -5], [5, 6, double.NaN, -Infinity] },
        { "rate", "rate", v => new MonotoneSchedule(5, -5, v, [], [], []), _positive, _notPositive },
        { "first variance", "initialVariance", v => new LinearSdeSchedule(_ => -1, _ => 1, v), _notNegative, _negative },
        { "uniform part", "uniform", v => TimeDistribution.Uniform().WithImportance([1, 2], v), [0.01, 0.5, 1], [0, 1.01, -1, double.NaN] },
        { "relative tolerance", "relative", v => new AdaptiveSettings(relative: v), _notNegative, _negative },
        { "absolute tolerance", "absolute", v => new AdaptiveSettings(absolute: v), _positive, _notPositive },
        { "first step", "firstStep", v => new AdaptiveSettings(firstStep: v), _positive, _notPositive },
        { "proportional part", "proportional", v => new AdaptiveSettings(proportional: v), [-1, 0, 1], [double.NaN, Infinity] },
        { "integral part", "integral", v => new AdaptiveSettings(integral: v), [-1, 0, 1], [double.NaN, Infinity] },
        { "derivative part", "derivative", v => new AdaptiveSettings(derivative: v), [-1, 0, 1], [double.NaN, Infinity] },
        { "safety", "safety", v => new AdaptiveSettings(safety: v), [0.01, 0.5, 1], [0, 1.01, -1, double.NaN] },
        { "scale of a constant diffusion", "scale", v => FlowDiffusion.Constant(v), _notNegative, _negative },
        { "scale of a decreasing diffusion", "scale", v => FlowDiffusion.Decreasing(v), _notNegative, _negative },
        { "η of a diffusion", "eta", v => FlowDiffusion.Reverse(v), _notNegative, _negative },
        { "η of Euler–Maruyama", "eta", v => new EulerMaruyamaSampler(v), _notNegative, _negative },
        { "η of reverse diffusion", "eta", v => new ReverseDiffusionSampler(v), _notNegative, _negative },
        { "churn", "amount", v => new Churn(v), [0, 0.5, 40, Infinity], [-0.01, double.NaN] },
        { "churn's least level", "sigmaMin", v => new Churn(1, v), [0, 0.5, 2], [-0.01, double.NaN] },
        { "churn's greatest level", "sigmaMax", v => new Churn(1, 2, v), [2, 2.01, Infinity], [1.99, 0, double.NaN] },
        { "churn's noise", "noiseScale", v => new Churn(1, noiseScale: v), _notNegative, _negative },
        { "consistency sampler's noise", "noiseScale", v => new ConsistencySampler(noiseScale: v), _notNegative, _negative },
        { "position of the second evaluation", "position", v => new DpmPlusPlusSdeSampler(position: v), _insideUnit, _besideInsideUnit },
        { "scale of a mean shift", "scale", v => new MeanShiftSampler((x, _) => x, v), [-1, 0, 1], [double.NaN, Infinity, -Infinity] },
        { "overlap of a ladder", "overlap", v => NcsnLadder.Ratio(1000, v), [0.01, 0.5, 0.99], [0, 0.997, 1, 1.5, -1, double.NaN] },
        { "ratio of levels", "ratio", v => NcsnLadder.Levels(10, 1, v), [1.1, 2], [1, 0.5, 0, double.NaN] },
        { "largest level", "largest", v => NcsnLadder.Levels(v, 1, 2), [1, 1.5, 10], [0.99, 0, -1, double.NaN, Infinity] },
        { "ratio of a step size", "ratio", v => NcsnLadder.StepSize(5, v, 0.01), [1, 1.5, 2], [0.99, 0, double.NaN, Infinity] },
        { "smallest level of a step size", "smallest", v => NcsnLadder.StepSize(5, 2, v), _positive, _notPositive },
        { "restart's lower end", "sigmaMin", v => new RestartInterval(v, 1e6, 3), _positive, [0, -1, double.NaN, Infinity] },
        { "restart's upper end", "sigmaMax", v => new RestartInterval(1, v, 3), [1.01, 1.5, 2], [1, 0.5, double.NaN, Infinity] },
        { "restart's noise", "noiseScale", v => new RestartSampler(new DdimSampler(), [new RestartInterval(0.1, 1, 3)], v), _notNegative, _negative },
        { "restart's ρ", "rho", v => new RestartSampler(new DdimSampler(), [new RestartInterval(0.1, 1, 3)], 1, v), _positive, _notPositive },
        { "offset of betas", "offset", v => BetaSchedule.Cosine(10, v), [0, 0.008, 0.5], _negative },
        { "largest beta", "maximum", v => BetaSchedule.Cosine(10, 0.008, v), [0.01, 0.999, 1], [0, -1, 1.01, 2, double.NaN] },
        { "first beta", "start", v => BetaSchedule.Linear(10, v, 0.999), _insideUnit, _besideInsideUnit },
        { "last beta", "end", v => BetaSchedule.Linear(10, 1e-4, v), _insideUnit, _besideInsideUnit },
        { "offset of the cosine", "offset", v => new CosineSchedule(v), [0, 0.008, 0.5], _negative },
        { "ρ of Karras", "rho", v => new KarrasSchedule(rho: v), [1, 1.5, 7], [0.99, 0, double.NaN, Infinity] },
        { "pixels before", "from", v => ShiftedSchedule.ForResolution(v, 64), _positive, _notPositive },
        { "pixels after", "to", v => ShiftedSchedule.ForResolution(64, v), _positive, _notPositive },
        { "tokens of the large image", "maxTokens", v => ShiftedSchedule.ForTokens(300, maxTokens: v), [257, 300, 4096], [256, 255, 0, double.NaN] },
        { "σ of a bridge", "sigma", v => EntropicTransportCoupling.SchrodingerBridge(v), _positive, _notPositive },
        { "tolerance", "value", v => new EntropicTransportCoupling(1) { Tolerance = v }, _positive, _notPositive },
        { "weight of vectors", "value", v => new EntropicTransportCoupling(1) { VectorWeight = v }, _notNegative, _negative },
        { "γ of min-SNR", "gamma", v => LossWeighting.MinSnr(v), _positive, [-0.01, -1, double.NaN, Infinity] },
        { "γ of P2", "gamma", v => LossWeighting.P2(1, v), _notNegative, _negative },
        { "least time", "minimum", v => TimeDistribution.Uniform(v), [0, 0.5, 0.99], [-0.01, 1, double.NaN] },
        { "scale of modes", "scale", v => TimeDistribution.Mode(v), [-1, 0, 1.29, 2 / (Math.PI - 2)], [-1.01, 1.76, double.NaN] },
        { "times", "times", v => TimeDistribution.Among(v), _unit, _besideUnit },
        { "condition dropout of a bound", "value", v => new VariationalObjective(_grid, Parameterization.Velocity()) { ConditionDropout = v }, _unit, _besideUnit },
        { "condition dropout of a hybrid", "value", v => new HybridObjective(_grid, Parameterization.Velocity()) { ConditionDropout = v }, _unit, _besideUnit },
        { "weight of the bound", "value", v => new HybridObjective(_grid, Parameterization.Velocity()) { BoundWeight = v }, _positive, _notPositive },
        { "noise of pseudo-inverse guidance", "noise", v => Measured(y => new PseudoInverseGuidance(_denoiser, Half(), y, v)), _notNegative, _negative },
        { "data of pseudo-inverse guidance", "dataDeviation", v => Measured(y => new PseudoInverseGuidance(_denoiser, Half(), y, 0, v)), _positive, _notPositive },
        { "noise of DDNM", "noise", v => Measured(y => new DdnmSampler(Half(), y, v)), _notNegative, _negative },
        { "step of posterior sampling", "stepSize", v => Measured(y => new DpsSampler(Half(), y, v)), _notNegative, _negative },
    };

    public static TheoryData<string, string, Func<int, object>, int[], int[]> Counts => new()
    {
        { "steps at rest", "steps", v => new ZeroInit(_denoiser, _grid, v), [1, 2, 3], [0, -1, 4, 5] },
        { "order of DEIS", "order", v => new DeisSampler(v), [1, 2, 3, 4], [0, 5] },
        { "evaluations", "evaluations", v => new DpmFastSampler(v), [1, 2, 9], [0, -1] },
        { "order of Adams–Bashforth", "order", v => new LinearMultistepSampler(v), [1, 4], [0, -1] },
        { "refinements", "refinements", v => new InversionSampler(v), [0, 1], [-1] },
        { "steps of a level", "stepsPerLevel", v => NcsnLadder.StepSize(v, 2, 0.01), [1, 5], [0, -1] },
        { "dimensions", "dimensions", v => NcsnLadder.Ratio(v), [5, 1000], [0, -1] },
        { "repeats of a restart", "repeats", v => new RestartInterval(0.1, 1, 3, v), [1, 2], [0, -1] },
        { "resamplings", "resamplings", v => Measured(y => new RePaintSampler(new DdpmSampler(), y, ones_like(y, dtype: ScalarType.Bool), 2, v)), [1, 2], [0, -1] },
        { "steps of betas", "steps", v => BetaSchedule.Cosine(v), [1, 2, 10], [0, -1] },
        { "steps of linear betas", "steps", v => BetaSchedule.Linear(v), [1, 2, 10], [0, -1] },
        { "levels of a ladder", "levels", v => TimeDistribution.Ladder(v), [2, 3], [1, 0, -1] },
        { "iterations", "value", v => new EntropicTransportCoupling(1) { MaxIterations = v }, [1, 2], [0, -1] },
        { "quantity", "quantity", v => GuidanceRule.Rescaled(2, 0.5, (GuidedQuantity)v), [0, 1], [-1, 99] },
        { "argument of a loss", "argument", v => new LossGuidance(_denoiser, (x, _) => x, 1, (LossArgument)v), [0, 1], [-1, 99] },
        { "variance of a mean shift", "variance", v => new MeanShiftSampler((x, _) => x, 1, (ReverseVariance)v), [0, 1], [-1, 99] },
        { "point of a mean shift", "point", v => new MeanShiftSampler((x, _) => x, 1, ReverseVariance.Small, (GradientPoint)v), [0, 1], [-1, 99] },
        { "variance of posterior sampling", "variance", v => Measured(y => new DpsSampler(Half(), y, 1, (ReverseVariance)v)), [0, 1], [-1, 99] },
        { "directions with less variance", "distribution", v => ScoreMatching.SlicedWithVarianceReduction((ProbeDistribution)v), [0, 1], [-1, 99] },
        { "projections with less variance", "projections", v => ScoreMatching.SlicedWithVarianceReduction(projections: v), [1, 2], [0, -1] },
        { "directions of a trace", "distribution", v => Divergence.Hutchinson((ProbeDistribution)v), [0, 1], [-1, 99] },
        { "probes of a trace", "probes", v => Divergence.Hutchinson(probes: v), [1, 2], [0, -1] },
        { "directions", "distribution", v => ScoreMatching.Sliced((ProbeDistribution)v), [0, 1], [-1, 99] },
        { "target", "target", v => new InterpolantObjective(_flow, LatentNoise.None, (InterpolantTarget)v), [0], [-1, 99] },
    };

    [Theory]
    [MemberData(nameof(Numbers), DisableDiscoveryEnumeration = true)]
    public void ANumberIsTakenWithinItsLimitsOnly(string what, string parameter, Func<double, object> make, double[] taken, double[] refused) => Check(what, parameter, make, taken, refused);

    [Theory]
    [MemberData(nameof(Counts), DisableDiscoveryEnumeration = true)]
    public void ACountIsTakenWithinItsLimitsOnly(string what, string parameter, Func<int, object> make, int[] taken, int[] refused) => Check(what, parameter, make, taken, refused);

    [Fact]
    public void AMixtureRefusesWeightsAndDeviationsThatAreNotPositive()
    {
        foreach (var bad in _notPositive)
        {
            Assert.Contains($"{bad}", Assert.Throws<ArgumentException>(() => new GaussianMixture([1, bad], new double[2, 1], new double[,] { { 1 }, { 1 } })).Message, StringComparison.Ordinal);
            Assert.Contains($"{bad}", Assert.Throws<ArgumentException>(() => new GaussianMixture([1, 1], new double[2, 1], new double[,] { { 1 }, { bad } })).Message, StringComparison.Ordinal);
        }
    }

    private static void Check<T>(string what, string parameter, Func<T, object> make, T[] taken, T[] refused)
    {
        using var scope = NewDisposeScope();
        foreach (var value in taken) Assert.NotNull(make(value));
        foreach (var value in refused)
        {
            var error = Record.Exception(() => make(value));
            Assert.True(error is ArgumentException { ParamName: var name } && name == parameter, $"{what}: {value} gave {error?.Message ?? "no error"}");
            Assert.Contains($"{value}", error!.Message, StringComparison.Ordinal);
        }
    }

    private static DownsamplingOperator Half() => new(2);

    private static T Measured<T>(Func<Tensor, T> make)
    {
        using var scope = NewDisposeScope();
        return make(zeros(1, 1, 4, 4));
    }
}
