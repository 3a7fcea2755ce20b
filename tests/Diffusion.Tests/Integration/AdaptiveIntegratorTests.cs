using Diffusion.Integration;
using Xunit;

namespace Diffusion.Tests.Integration;

public class AdaptiveIntegratorTests
{
    // y' = y·cos s from y(0) = 1 has y = exp(sin s).
    private static Tensor Swing(double s, Tensor y) => y.mul(Math.Cos(s));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TheErrorFollowsTheTolerance(bool fifth)
    {
        using var scope = NewDisposeScope();
        foreach (var tolerance in new[] { 1e-3, 1e-5, 1e-7, 1e-9 })
        {
            var integrator = new AdaptiveIntegrator(fifth ? RungeKutta.DormandPrince : RungeKutta.BogackiShampine, new ErrorTolerance(tolerance, tolerance));
            var error = Math.Abs(integrator.Integrate(Swing, ones(4, dtype: float64), 0, 10)[2].item<double>() - Math.Exp(Math.Sin(10)));
            Assert.True(error < 30 * tolerance, $"error {error:e3} at tolerance {tolerance:e0}"); // some dozen steps of one tolerance each
        }
    }

    [Fact]
    public void FewerEvaluationsForLooserTolerances()
    {
        using var scope = NewDisposeScope();
        int Calls(double tolerance)
        {
            var calls = 0;
            Tensor Counted(double s, Tensor y)
            {
                calls++;
                return Swing(s, y);
            }

            new AdaptiveIntegrator(null, new ErrorTolerance(tolerance, tolerance)).Integrate(Counted, ones(1, dtype: float64), 0, 10);
            return calls;
        }

        // Fifth order: 10⁵ times the accuracy costs ten times the steps.
        Assert.InRange((double)Calls(1e-10) / Calls(1e-5), 5, 15);
    }

    [Fact]
    public void BackwardsUndoesForwards()
    {
        using var scope = NewDisposeScope();
        var integrator = new AdaptiveIntegrator(null, new ErrorTolerance(1e-9, 1e-9));
        var start = tensor(new[] { 0.5, -2.0 });
        var back = integrator.Integrate(Swing, integrator.Integrate(Swing, start, 0, 4), 4, 0);
        Assert.True(back.allclose(start, 1e-6, 1e-6));
    }

    [Fact]
    public void AConstantSlopeIsExactInAFewSteps()
    {
        using var scope = NewDisposeScope();
        var calls = 0;
        var end = new AdaptiveIntegrator().Integrate(
            (_, y) =>
            {
                calls++;
                return ones_like(y);
            }, zeros(1, dtype: float64), 0, 1);
        Assert.Equal(1, end.item<double>(), 1e-14);
        Assert.InRange(calls, 2, 80);
    }

    [Fact]
    public void NothingToIntegrateGivesTheState()
    {
        using var scope = NewDisposeScope();
        var state = ones(2);
        var end = new AdaptiveIntegrator().Integrate(Swing, state, 1, 1);
        Assert.NotSame(state, end);
        Assert.True(end.eq(state).all().item<bool>());
    }

    [Fact]
    public void LeavesOnlyItsResult()
    {
        using var state = ones(3, dtype: float64);
        var before = LiveTensors.Count();
        using var end = new AdaptiveIntegrator().Integrate(Swing, state, 0, 10);
        Assert.Equal(before + 1, LiveTensors.Count());
        Assert.Equal(1, state[0].item<double>());
    }

    [Fact]
    public void CanBeCancelled()
    {
        using var scope = NewDisposeScope();
        using var source = new CancellationTokenSource();
        var calls = 0;
        Assert.Throws<OperationCanceledException>(() => new AdaptiveIntegrator().Integrate(
            (s, y) =>
            {
                if (++calls == 10) source.Cancel();
                return Swing(s, y);
            }, ones(1), 0, 10, cancellationToken: source.Token));
        Assert.InRange(calls, 10, 20);
    }

    [Fact]
    public void SlopesThatAreNotFiniteAreAnError()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<InvalidOperationException>(() => new AdaptiveIntegrator().Integrate((s, y) => s < 0.5 ? y.alias() : y.mul(double.NaN), ones(1), 0, 1));
        Assert.Throws<InvalidOperationException>(() => new AdaptiveIntegrator().Integrate((_, y) => y.mul(double.NaN), ones(1), 0, 1));
    }

    [Fact]
    public void ASolutionThatRunsAwayIsAnErrorNotALoop()
    {
        // y' = y² from 1 is infinite at s = 1.
        using var scope = NewDisposeScope();
        Assert.Throws<InvalidOperationException>(() => new AdaptiveIntegrator().Integrate((_, y) => y.square(), ones(1, dtype: float64), 0, 2));
        Assert.Throws<InvalidOperationException>(() => new AdaptiveIntegrator(null, new ErrorTolerance(maximumSteps: 3)).Integrate(Swing, ones(1), 0, 10));
    }

    [Fact]
    public void RejectsMethodsWithoutAnErrorAndEmptyTolerances()
    {
        Assert.Throws<ArgumentException>(() => new AdaptiveIntegrator(RungeKutta.Classical));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ErrorTolerance(0, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ErrorTolerance(firstStep: 0));
    }
}
