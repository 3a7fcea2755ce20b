using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Schedules;

/// <summary>The ends of what a schedule reaches: met in spite of rounding, and not passed.</summary>
public class ScheduleRangeTests
{
    // In many settings, so that rounding falls to either side of the ends.
    public static TheoryData<string, Func<double, NoiseSchedule>> Families => new()
    {
        { "variance-preserving", u => new VariancePreservingSchedule(0.05 + u, 5 + 20 * u) },
        { "sub-variance-preserving", u => new SubVariancePreservingSchedule(0.05 + u, 5 + 20 * u) },
        { "variance-exploding", u => new VarianceExplodingSchedule(0.001 + 0.1 * u, 10 + 100 * u) },
        { "Karras", u => new KarrasSchedule(0.001 + 0.1 * u, 10 + 100 * u, 1 + 8 * u) },
        { "equation", u => new LinearSdeSchedule(t => -0.1 - u * t, t => 0.3 + u * t * t, 0.01 + u) },
        { "learned", u => new MonotoneSchedule(5 + u, -3 - 4 * u, 0.5 + u, [1 + u], [3 + u], [0.4 + 0.1 * u]) },
        { "learned, not far", u => new MonotoneSchedule(0.4 * u, -0.3 - 0.1 * u, 0.5 + u, [], [], []) },
        { "discrete", u => new DiscreteSchedule(BetaSchedule.Linear(10, 1e-3 + 0.01 * u, 0.1 + 0.5 * u)) },
        { "discrete in σ/α", u => new DiscreteSchedule(BetaSchedule.Linear(7, 1e-3 + 0.01 * u, 0.1 + 0.5 * u), LevelInterpolation.NoiseToSignal) },
        { "interpolant", u => new InterpolantSchedule(t => 1 - 0.9 * t, t => 0.01 + u + t) },
    };

    [Theory]
    [MemberData(nameof(Families), DisableDiscoveryEnumeration = true)]
    public void TheEndsAreMetAndNotPassed(string name, Func<double, NoiseSchedule> make)
    {
        for (var i = 0; i < 60; i++)
        {
            var schedule = make((i + 0.37) / 60);
            var (start, end) = (schedule.At(0).LogSnr, schedule.At(1).LogSnr);
            Assert.Equal(0, schedule.TimeAtLogSnr(start), 1e-12);
            Assert.Equal(1, schedule.TimeAtLogSnr(end), 1e-12);
            var margin = 1e-7 * (1 + Math.Abs(end));
            Assert.True(Record.Exception(() => schedule.TimeAtLogSnr(end - margin)) is ArgumentOutOfRangeException, $"{name}: {end - margin} is beyond the end {end}");
            Assert.InRange(schedule.TimeAtLogSnr(end + margin), 0.9, 1);
            Assert.True(Record.Exception(() => schedule.TimeAtLogSnr(double.NaN)) is ArgumentOutOfRangeException, $"{name}: not a number");
            if (double.IsFinite(start))
            {
                Assert.True(Record.Exception(() => schedule.TimeAtLogSnr(start + 1e-7 * (1 + Math.Abs(start)))) is ArgumentOutOfRangeException, $"{name}: beyond the start {start}");
                Assert.InRange(schedule.TimeAtLogSnr(start - 1e-7 * (1 + Math.Abs(start))), 0, 0.1);
            }
            else
            {
                Assert.Equal(double.PositiveInfinity, start);
            }

            // Rounding of the ends themselves, a few units of the last digit either way.
            foreach (var digits in new[] { -2, -1, 1, 2 })
            {
                var rounding = digits * 2.3e-16 * Math.Abs(end);
                Assert.Equal(1, schedule.TimeAtLogSnr(end + rounding), 1e-10);
                if (double.IsFinite(start)) Assert.Equal(0, schedule.TimeAtLogSnr(start + digits * 2.3e-16 * Math.Abs(start)), 1e-10);
            }

            foreach (var time in new[] { -0.01, 1.01, double.NaN }) Assert.Throws<ArgumentOutOfRangeException>(() => schedule.At(time));
        }
    }

    // A sigmoid of no weight or no steepness adds nothing to the path.
    [Fact]
    public void SigmoidsOfNothingAreAllowed()
    {
        var plain = new MonotoneSchedule(5, -3, 1, [], [], []);
        foreach (var (weight, steepness) in new[] { (0.0, 3.0), (2.0, 0.0) })
            Assert.Equal(plain.At(0.3).LogSnr, new MonotoneSchedule(5, -3, 1, [weight], [steepness], [0.5]).At(0.3).LogSnr, 1e-12);
        foreach (var (weight, steepness, centre) in new[] { (-0.1, 1.0, 0.5), (1, -0.1, 0.5), (double.NaN, 1, 0.5), (1, double.PositiveInfinity, 0.5), (1, 1, double.NaN), (double.PositiveInfinity, 1, 0.5) })
            Assert.Contains($"weight {weight}, steepness {steepness} and centre {centre}", Assert.Throws<ArgumentException>(() => new MonotoneSchedule(5, -3, 1, [weight], [steepness], [centre])).Message, StringComparison.Ordinal);
    }

    // Whichever way a function is no path, the message says what it gave.
    [Fact]
    public void FunctionsOfNoPathAreRefusedByTheirValues()
    {
        foreach (var bad in new[] { -0.1, double.NaN, double.PositiveInfinity, 0 })
        {
            Assert.StartsWith($"σ(0.5) = {bad}", Assert.Throws<ArgumentException>(() => new InterpolantSchedule(t => 1 - t, t => t == 0.5 ? bad : t)).Message, StringComparison.Ordinal);
            Assert.StartsWith($"α(0.5) = {bad}", Assert.Throws<ArgumentException>(() => new InterpolantSchedule(t => t == 0.5 ? bad : 1 - t, t => t)).Message, StringComparison.Ordinal);
        }

        Assert.StartsWith("σ(0.001953) = 0", Assert.Throws<ArgumentException>(() => new InterpolantSchedule(t => 1 - t, t => t <= 1.0 / 512 ? 0 : t)).Message, StringComparison.Ordinal); // clean at t = 0 alone
        Assert.StartsWith("σ(1) = -1", Assert.Throws<ArgumentException>(() => new InterpolantSchedule(t => 1 - t, t => t == 1 ? -1 : t)).Message, StringComparison.Ordinal);
        Assert.Contains("noise must grow", Assert.Throws<ArgumentException>(() => new InterpolantSchedule(_ => 1, t => 0.5 + Math.Max(0, t - 0.02))).Message, StringComparison.Ordinal); // level at first
    }

    // Whatever the clean end looks like: σ leaves it like √t, like t, or not at all at first.
    [Fact]
    public void AnEquationThatStartsWithoutDiffusionHasNoSlope()
    {
        Assert.Equal(double.PositiveInfinity, new LinearSdeSchedule(_ => -1, _ => 0.5).At(0).SigmaDot);
        Assert.Equal(0, new LinearSdeSchedule(_ => -1, t => t * t).At(0).SigmaDot);
        var noisy = new LinearSdeSchedule(_ => -1, _ => 0.5, 0.04).At(0);
        Assert.Equal((0.5 - 2 * 0.04) / (2 * 0.2), noisy.SigmaDot, 1e-12);
        Assert.Equal(0.5 - 2 * 0.04, noisy.VarianceDot, 1e-12);
    }

    // The slopes of a shifted schedule at both ends, where its time has a speed of its own, against differences.
    [Theory]
    [InlineData(0.4)]
    [InlineData(3)]
    public void AShiftHasTheSlopesOfItsEnds(double shift)
    {
        const double h = 1e-7;
        var trigonometric = new ShiftedSchedule(new TrigonometricSchedule(), shift); // both ends like t
        Assert.Equal(trigonometric.At(h).Sigma / h, trigonometric.At(0).SigmaDot, 1e-5);
        Assert.Equal(-trigonometric.At(1 - h).Alpha / h, trigonometric.At(1).AlphaDot, 1e-5);
        var root = new InterpolantSchedule(t => Math.Sqrt(1 - t), Math.Sqrt); // both ends like √t
        var roots = new ShiftedSchedule(root, shift);
        Assert.Equal(Math.Pow(roots.At(h).Sigma, 2) / h, roots.At(0).VarianceDot, 1e-4);
        var last = roots.At(1);
        Assert.Equal(double.NegativeInfinity, last.AlphaDot);
        Assert.Equal((1 - Math.Pow(roots.At(1 - h).Sigma, 2)) / h, last.VarianceDot, 1e-4);
        Assert.Equal(0, last.Alpha);
        foreach (var time in new[] { -0.01, 1.01 }) Assert.Throws<ArgumentOutOfRangeException>(() => roots.At(time));
    }

    // α need not be 1 at the clean end: σ/α has its slope there too.
    [Fact]
    public void TheExplodingFormDividesTheSlopeByAlpha()
    {
        var scaled = new VarianceExplodingForm(new InterpolantSchedule(t => 2 - t, t => 3 * t));
        Assert.Equal(1.5, scaled.At(0).SigmaDot, 1e-9);
        Assert.Equal(scaled.At(1e-6).Sigma / 1e-6, scaled.At(0).SigmaDot, 1e-5);
        Assert.Equal((scaled.At(0.5 + 1e-5).Sigma - scaled.At(0.5 - 1e-5).Sigma) / 2e-5, scaled.At(0.5).SigmaDot, 1e-6);
        // With a noisiest level, nothing lies above it but it itself; without one any level is named.
        Assert.Equal(scaled.At(1).Sigma * 4, scaled.AtOrAboveNoise(scaled.At(1).Sigma * 4).Sigma, 1e-9);
        Assert.Throws<ArgumentOutOfRangeException>(() => scaled.AtNoiseToSignal(scaled.At(1).Sigma * 4));
        var endless = new VarianceExplodingForm(new RectifiedFlowSchedule()).AtOrAboveNoise(1e6);
        Assert.Equal(1, endless.Sigma / 1e6, 1e-9);
        Assert.Equal(endless.Time, new RectifiedFlowSchedule().AtNoiseToSignal(1e6).Time, 1e-12);
    }

    [Fact]
    public void TheTrigonometricInverseKeepsItsDigitsAtBothEnds()
    {
        var schedule = new TrigonometricSchedule();
        foreach (var small in new[] { 1e-300, 1e-12, 1e-3, 0.25, 0.5 })
            Assert.Equal(1, schedule.TimeAtLogSnr(schedule.At(small).LogSnr) / small, 1e-12);
        foreach (var near in new[] { 1e-12, 1e-3, 0.25 })
            Assert.Equal(1, (1 - schedule.TimeAtLogSnr(2 * Math.Log(Math.Tan(Math.PI / 2 * near)))) / near, 1e-3);
        Assert.Equal(1 - 1e-16, schedule.TimeAtLogSnr(2 * Math.Log(Math.PI / 2 * 1e-16)), 3e-16);
    }
}
