using Diffusion.Dynamics;
using Diffusion.Schedules;
using Diffusion.Tests.Laws;
using Diffusion.Tests.Samplers;
using Xunit;

namespace Diffusion.Tests.Dynamics;

public class ItoProcessTests
{
    // Geometric Brownian motion dx = μx dt + sx dw, x(1) = exp(μ − s²/2 + s·w(1)).
    private const double Mu = 0.5, S = 0.8;

    private static readonly ItoProcess _geometric = new((x, _) => x * Mu, (x, _) => x * S);

    // Ornstein–Uhlenbeck with noise that grows in time: dx = −x dt + √(1 + t) dw.
    private static readonly ItoProcess _additive = new((x, _) => -x, (x, t) => full(1, Math.Sqrt(1 + t), x.dtype));

    private static double[] Times(int steps) => Enumerable.Range(0, steps + 1).Select(i => (double)i / steps).ToArray();

    [Theory, InlineData(SdeScheme.EulerMaruyama), InlineData(SdeScheme.Heun)]
    public void PathsWithNoiseOfTheStateConvergeInOrderOneHalf(SdeScheme scheme)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var fine = noise.Next([2048, 4000], float64, CPU);
        var exact = (fine.sum([0L]).mul(S / Math.Sqrt(2048)) + (Mu - S * S / 2)).exp();
        ObservedOrder.Is(0.5, 64, steps => PathError(_geometric, exact, fine, steps, scheme, 1));
    }

    [Fact]
    public void PathsWithNoiseThatKnowsNoStateConvergeInOrderOne()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var process = new ItoProcess((x, _) => x.sin().neg(), (x, _) => full(1, 0.5, x.dtype));
        var fine = noise.Next([8192, 500], float64, CPU);
        var exact = process.Simulate(full([500], 1.0, dtype: float64), Times(8192), new PathNoise(fine, 8192), SdeScheme.Heun);
        ObservedOrder.Is(1, 32, steps => PathError(process, exact, fine, steps, SdeScheme.EulerMaruyama, 1));
    }

    [Fact]
    public void TheMeanOfEulerMaruyamaConvergesInOrderOne() =>
        ObservedOrder.Is(1, 64, steps =>
        {
            // E x is what the steps do without noise.
            using var scope = NewDisposeScope();
            using var noise = NoiseSource.FromSeed(0);
            var still = new ItoProcess((x, _) => x * Mu, (x, _) => zeros_like(x));
            return Math.Abs(still.Simulate(ones(1, dtype: float64), Times(steps), noise).item<double>() - Math.Exp(Mu));
        });

    [Fact]
    public void MomentsOfHeunConvergeInOrderTwoWhereNoiseKnowsNoState()
    {
        // var(1) = 1·e^{−2} + ∫(1 + t)e^{−2(1 − t)} dt = e^{−2} + 3/4 − e^{−2}/4.
        var exact = Math.Exp(-2) + 0.75 - Math.Exp(-2) / 4;
        double Error(int steps, SdeScheme scheme)
        {
            using var scope = NewDisposeScope();
            var end = _additive.Simulate(OrthogonalNoise.State(steps + 1, 1), Times(steps), new OrthogonalNoise(), scheme);
            return Math.Abs(end.square().mean().item<double>() - exact);
        }

        ObservedOrder.Is(2, 32, steps => Error(steps, SdeScheme.Heun));
        ObservedOrder.Is(1, 64, steps => Error(steps, SdeScheme.EulerMaruyama));
    }

    [Theory, InlineData("vp"), InlineData("sub-vp"), InlineData("ve")]
    public void TheSimulatedForwardEquationHasTheMarginalsOfItsSchedule(string name)
    {
        using var scope = NewDisposeScope();
        NoiseSchedule schedule = name switch { "vp" => new VariancePreservingSchedule(), "sub-vp" => new SubVariancePreservingSchedule(), _ => new VarianceExplodingSchedule(0.1, 5) };
        const int steps = 2000, each = 200;
        var start = Math.Pow(schedule.At(0).Sigma, 2);
        var reports = 0;
        ItoProcess.Forward(schedule).Simulate(OrthogonalNoise.State(steps + 1, 0.25 + start), Times(steps), new OrthogonalNoise(), SdeScheme.Heun, (t, x) =>
        {
            if (Math.Round(t * steps) % each != 0) return;
            reports++;
            var level = schedule.At(Math.Min(t, 1));
            var expected = level.Alpha * level.Alpha * 0.25 + level.Sigma * level.Sigma;
            Assert.Equal(expected, x.square().mean().item<double>(), 2e-5 * expected); // second order in steps of 1/2000
        });
        Assert.Equal(10, reports);
    }

    [Fact]
    public void RefusesTimesThatDoNotRiseAndEndsWithoutCoefficients()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        Assert.Throws<ArgumentException>(() => _additive.Simulate(zeros(1, 1), [0], noise));
        Assert.Throws<ArgumentException>(() => _additive.Simulate(zeros(1, 1), [0, 1, 1], noise));
        Assert.Throws<InvalidOperationException>(() => ItoProcess.Forward(new RectifiedFlowSchedule()).Simulate(zeros(1, 1), [0, 1, 2], noise));
        Assert.Throws<OperationCanceledException>(() => _additive.Simulate(zeros(1, 1), [0, 1], noise, cancellationToken: new CancellationToken(true)));
    }

    // The root mean square distance of the ends of paths.
    private static double PathError(ItoProcess process, Tensor exact, Tensor fine, int steps, SdeScheme scheme, double start)
    {
        using var scope = NewDisposeScope();
        var end = process.Simulate(full([fine.shape[1]], start, dtype: float64), Times(steps), new PathNoise(fine, steps), scheme);
        return (end - exact).square().mean().sqrt().item<double>();
    }
}
