using Diffusion.Integration;
using Xunit;

namespace Diffusion.Tests.Integration;

public class RungeKuttaTests
{
    private static readonly Dictionary<string, RungeKutta> _methods = new[]
    {
        RungeKutta.Euler, RungeKutta.Midpoint, RungeKutta.Heun, RungeKutta.Classical, RungeKutta.BogackiShampine, RungeKutta.DormandPrince,
    }.ToDictionary(method => method.Name);

    public static TheoryData<string> Methods => new(_methods.Keys);

    [Theory, MemberData(nameof(Methods))]
    public void ErrorFallsInTheOrderOfTheMethod(string name)
    {
        // y' = y·cos s from y(0) = 1 has y = exp(sin s).
        var method = _methods[name];
        using var scope = NewDisposeScope();
        double Error(int steps) => Math.Abs(method.Integrate((s, y) => y.mul(Math.Cos(s)), ones(1, dtype: float64),
            [.. Enumerable.Range(0, steps + 1).Select(i => 3.0 * i / steps)]).item<double>() - Math.Exp(Math.Sin(3)));
        var steps = method.Order < 4 ? 1024 : 64; // high orders reach rounding soon
        Assert.Equal(method.Order, Math.Log2(Error(steps) / Error(2 * steps)), 0.15);
    }

    [Theory, MemberData(nameof(Methods))]
    public void PolynomialsBelowTheOrderAreExact(string name)
    {
        var method = _methods[name];
        using var scope = NewDisposeScope();
        for (var degree = 0; degree < method.Order; degree++)
        {
            var power = degree;
            var end = method.Integrate((s, y) => full_like(y, (power + 1) * Math.Pow(s, power)), zeros(1, dtype: float64), 0.5, 1.5).item<double>();
            Assert.Equal(Math.Pow(1.5, power + 1) - Math.Pow(0.5, power + 1), end, 1e-12);
        }
    }

    // Final standard deviations of rectified flow from N(0, 1) to N(0, s²) with the exact velocity u = x·(ts² − (1 − t))/(t²s² + (1 − t)²).
    [Theory]
    [InlineData("Euler", 0.5, new[] { 0.2, 0.34054054, 0.41478455, 0.45568309, 0.47736357, 0.48855529, 0.49424510 }, 2)]
    [InlineData("Euler", 1.0, new[] { 0.5, 0.72, 0.85082176, 0.92270422, 0.96061428, 0.98011433, 0.99000787 }, 2)]
    [InlineData("Heun", 0.5, new[] { 0.48, 0.50483470, 0.50244143, 0.50076381, 0.50021000, 0.50005487, 0.50001401 }, 2)]
    [InlineData("Heun", 1.0, new[] { 0.5, 0.9375, 0.99, 0.99870610, 0.99983696, 0.99997958, 0.99999745, 0.99999968 }, 1)]
    public void RectifiedFlowEndsAtTheKnownDeviations(string name, double deviation, double[] expected, int fewest)
    {
        using var scope = NewDisposeScope();
        for (var k = 0; k < expected.Length; k++)
        {
            var steps = fewest << k;
            var end = _methods[name].Integrate(
                (t, x) => x.mul((t * deviation * deviation - (1 - t)) / (t * t * deviation * deviation + (1 - t) * (1 - t))),
                ones(1, dtype: float64), [.. Enumerable.Range(0, steps + 1).Select(i => (double)i / steps)]);
            Assert.Equal(expected[k], end.item<double>(), 6e-9);
        }
    }

    [Fact]
    public void EulerInTwoHalvesIsWhatItSays()
    {
        using var scope = NewDisposeScope();
        Assert.Equal(2.25, RungeKutta.Euler.Integrate((_, y) => y.alias(), ones(1, dtype: float64), 0, 0.5, 1).item<double>(), 1e-15);
    }

    [Fact]
    public void LeavesOnlyItsResult()
    {
        using var state = ones(3);
        var before = LiveTensors.Count();
        using var end = RungeKutta.DormandPrince.Integrate((s, y) => y.mul(s), state, 0, 0.5, 1);
        Assert.Equal(before + 1, LiveTensors.Count());
        Assert.Equal(1, state[0].item<float>());
    }

    [Fact]
    public void IsDifferentiable()
    {
        using var scope = NewDisposeScope();
        var start = tensor(2.0, requires_grad: true);
        var end = RungeKutta.Classical.Integrate((_, y) => y.square().neg(), start, 0, 0.25, 0.5);
        var step = 1e-6;
        double End(double y) => RungeKutta.Classical.Integrate((_, x) => x.square().neg(), tensor(y), 0, 0.25, 0.5).item<double>();
        Assert.Equal((End(2 + step) - End(2 - step)) / (2 * step), autograd.grad([end], [start])[0].item<double>(), 1e-8);
    }

    [Fact]
    public void RejectsTimesThatAreNotFinite()
    {
        using var state = ones(1);
        Assert.Throws<ArgumentException>(() => RungeKutta.Euler.Integrate((_, y) => y.alias(), state, 0, double.NaN));
        Assert.Throws<ArgumentException>(() => RungeKutta.Euler.Integrate((_, y) => y.alias(), state));
    }
}
