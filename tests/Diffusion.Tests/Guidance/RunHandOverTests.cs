using Diffusion.Denoisers;
using Diffusion.Operators;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Guidance;

/// <summary>A wrapper in a run is the same wrapper, with the same settings, around what its denoisers give for the run.</summary>
public class RunHandOverTests
{
    private static readonly VariancePreservingSchedule Schedule = new();

    // Of wrappers of two, both are told apart.
    private static readonly Dictionary<string, Func<IDenoiser, IDenoiser, IDenoiser>> Wrappers = new()
    {
        ["guidance"] = (a, b) => new ClassifierFreeGuidance(a, b, 3),
        ["interval"] = (a, b) => new GuidanceInterval(a, b, 0.5, 5),
        ["composed"] = (a, b) => new ComposedGuidance(b, new WeightedCondition(a, 2), new WeightedCondition(b, 0.5)),
        ["zero init"] = (a, _) => new ZeroInit(a, TimeGrid.Uniform(Schedule, 10), 3),
        ["classifier"] = (a, _) => new ClassifierGuidance(a, (x, _) => x.square().flatten(1).sum([1L]).mul(-0.3), 2),
        ["loss"] = (a, _) => new LossGuidance(a, (data, _) => data.square().flatten(1).sum([1L]), 0.5),
        ["clamped"] = (a, _) => new ClampedDenoiser(a, 0.3, keepNoise: true),
        ["dynamic"] = (a, _) => new DynamicThreshold(a, 0.4, 0.8),
        ["consistency"] = (a, _) => new ConsistencyDenoiser(a, NoiseLabel.QuarterLogSigma, 3, 0.7),
        ["rescheduled"] = (a, _) => new RescheduledDenoiser(a, new CosineSchedule()),
        ["null space"] = (a, _) => new NullSpaceDenoiser(a, Row, ones(2, 1, float64), keepNoise: true),
        ["posterior sampling"] = (a, _) => new PosteriorSamplingGuidance(a, Row, ones(2, 1, float64), 0.3, 0.6),
        ["pseudo-inverse"] = (a, _) => new PseudoInverseGuidance(a, Row, ones(2, 1, float64), 0.2, 0.7, 0.6),
    };

    public static TheoryData<string> Names => new(Wrappers.Keys);

    private static MatrixOperator Row => new(new[,] { { 1.0, -0.5, 0.3 } }, 3);

    [Theory, MemberData(nameof(Names))]
    public void TheRunIsTheWrapperAroundTheRuns(string name)
    {
        using var scope = NewDisposeScope();
        var (a, b) = (Mixture(-1, 0.8), Mixture(0, 1.3));
        var plain = Wrappers[name](a, b);
        var outside = Wrappers[name](new OnlyInRuns(a), new OnlyInRuns(b));
        var run = outside.BeginRun();
        Assert.Same(plain, plain.BeginRun()); // nothing to hand over
        Assert.NotSame(outside, run);
        Assert.IsType(plain.Schedule.GetType(), run.Schedule);
        using var noise = NoiseSource.FromSeed(3);
        var x = noise.Next([2, 3], ScalarType.Float64, CPU);
        foreach (var time in new[] { 0.05, 0.4, 0.85 }) // below, within and above the interval; at rest in the end
        {
            NoisePoint at = run.Schedule.At(time);
            var (expected, seen) = (plain.Denoise(x, at), run.Denoise(x, at));
            Assert.True(seen.Data.eq(expected.Data).all().item<bool>(), $"{name} at t = {time}");
            Assert.Equal(expected.Noise is null, seen.Noise is null);
            if (expected.Noise is { } carried) Assert.True(seen.Noise!.eq(carried).all().item<bool>());
        }

        Assert.Throws<InvalidOperationException>(() => Wrappers[name](new OnlyInRuns(a), new OnlyInRuns(b)).Denoise(x, outside.Schedule.At(0.4)));
    }

    private static GaussianMixtureDenoiser Mixture(double first, double second) => new(Schedule, GaussianMixture.Uniform(new[,] { { first, 0.5, 0.2 }, { second, -0.6, 1.1 } }, 0.4));

    private sealed class OnlyInRuns(IDenoiser inner) : IDenoiser
    {
        public NoiseSchedule Schedule => inner.Schedule;

        public Estimate Denoise(Tensor x, NoisePoint at) => throw new InvalidOperationException("Only the run is asked.");

        public IDenoiser BeginRun() => inner;
    }
}
