using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Schedules;

/// <summary>Identities that hold for every schedule, whatever its formula.</summary>
public class ScheduleIdentityTests
{
    private static readonly double[] _times = [1e-6, 1e-3, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98, 0.999];

    private static readonly (string Name, NoiseSchedule Schedule)[] _all =
    [
        ("vp", new VariancePreservingSchedule()),
        ("sub-vp", new SubVariancePreservingSchedule()),
        ("ve", new VarianceExplodingSchedule()),
        ("karras", new KarrasSchedule()),
        ("cosine", new CosineSchedule()),
        ("cosine without offset", new CosineSchedule(0)),
        ("flow", new RectifiedFlowSchedule()),
        ("trigonometric", new TrigonometricSchedule()),
        ("discrete", new DiscreteSchedule(BetaSchedule.ScaledLinear())),
        ("discrete in sigma", new DiscreteSchedule(BetaSchedule.Linear(), LevelInterpolation.NoiseToSignal)),
        ("discrete without terminal signal", new DiscreteSchedule(BetaSchedule.RescaleToZeroTerminalSnr(BetaSchedule.ScaledLinear()))),
        ("shifted flow", new ShiftedSchedule(new RectifiedFlowSchedule(), 3)),
        ("shifted cosine", new ShiftedSchedule(new CosineSchedule(), 0.5)),
        ("exploding form of vp", new VarianceExplodingForm(new VariancePreservingSchedule())),
        ("interpolant", new InterpolantSchedule(t => 1 - t * t, t => t * (2 - t), t => -2 * t, t => 2 - 2 * t)),
        ("interpolant with numerical slopes", new InterpolantSchedule(t => Math.Cos(Math.PI / 2 * t), t => Math.Sin(Math.PI / 2 * t))),
    ];

    public static TheoryData<string> Names => [.. _all.Select(entry => entry.Name)];

    public static NoiseSchedule Of(string name) => _all.Single(entry => entry.Name == name).Schedule;

    [Theory, MemberData(nameof(Names))]
    public void TheInverseOfALevelIsItsTime(string name)
    {
        var schedule = Of(name);
        var before = double.PositiveInfinity;
        foreach (var t in _times)
        {
            var level = schedule.At(t);
            Assert.True(level.LogSnr < before, $"the log-SNR rises before t = {t}");
            before = level.LogSnr;
            // Rounding of the log-SNR by its slope: its own last digit, 1e-16 of its size, and no more than a few of them.
            var slope = level.DiffusionSquared / (level.Sigma * level.Sigma);
            Assert.Equal(t, schedule.TimeAtLogSnr(level.LogSnr), 1e-12 * t + 1e-14 * Math.Max(1, Math.Abs(level.LogSnr)) / slope + 1e-15);
        }

        var (start, end) = (schedule.At(0), schedule.At(1));
        Assert.Equal(0, schedule.TimeAtLogSnr(start.LogSnr));
        Assert.Equal(1, schedule.TimeAtLogSnr(end.LogSnr), 1e-14);
        if (!double.IsInfinity(start.LogSnr)) Assert.Throws<ArgumentOutOfRangeException>(() => schedule.TimeAtLogSnr(start.LogSnr + 1));
        if (!double.IsInfinity(end.LogSnr)) Assert.Throws<ArgumentOutOfRangeException>(() => schedule.TimeAtLogSnr(end.LogSnr - 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => schedule.TimeAtLogSnr(double.NaN));
        foreach (var outside in new[] { -1e-9, 1 + 1e-9, double.NaN }) Assert.Throws<ArgumentOutOfRangeException>(() => schedule.At(outside));
    }

    [Theory, MemberData(nameof(Names))]
    public void SlopesAreTheSlopesOfTheLevels(string name)
    {
        var schedule = Of(name);
        foreach (var t in _times)
        {
            // Fourth-order differences; of a discrete schedule within a segment between timesteps.
            var discrete = name.StartsWith("discrete", StringComparison.Ordinal);
            var middle = discrete ? (Math.Floor(t * 1000) + 0.5) / 1000 : t;
            var h = Math.Min(Math.Min(middle, 1 - middle) * 2e-3, discrete ? 1e-5 : 1);
            double Difference(Func<NoiseLevel, double> of) =>
                (8 * (of(schedule.At(middle + h)) - of(schedule.At(middle - h))) - (of(schedule.At(middle + 2 * h)) - of(schedule.At(middle - 2 * h)))) / (12 * h);
            var level = schedule.At(middle);
            Assert.Equal(Difference(l => l.Alpha), level.AlphaDot, 1e-8 * Math.Abs(level.AlphaDot) + 1e-15 / h);
            Assert.Equal(Difference(l => l.Sigma), level.SigmaDot, 1e-8 * Math.Abs(level.SigmaDot) + 1e-15 * level.Sigma / h);
            Assert.Equal(Difference(l => l.Sigma * l.Sigma), level.VarianceDot, 1e-8 * level.VarianceDot + 1e-15 * level.Sigma * level.Sigma / h);
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void DriftAndDiffusionFollowFromTheLevels(string name)
    {
        foreach (var t in _times)
        {
            var level = Of(name).At(t);
            var (a, s) = (level.AlphaDot / level.Alpha, level.SigmaDot / level.Sigma);
            Assert.Equal(a, level.Drift, 1e-12 * Math.Abs(a));
            Assert.Equal(2 * level.Sigma * level.Sigma * (s - a), level.DiffusionSquared, 1e-12 * level.Sigma * level.Sigma * (Math.Abs(a) + Math.Abs(s)));
            Assert.True(level.DiffusionSquared > 0);
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void TheEndsAreLimits(string name)
    {
        var schedule = Of(name);
        foreach (var (end, near) in new[] { (0.0, 1e-9), (1.0, 1 - 1e-9) })
        {
            if (name.StartsWith("exploding", StringComparison.Ordinal) && end == 1) continue;
            var (limit, level) = (schedule.At(end), schedule.At(near));
            Assert.Equal(end, limit.Time);
            Assert.Equal(level.Alpha, limit.Alpha, 1e-3);
            Assert.Equal(level.Sigma, limit.Sigma, 1e-3 * Math.Max(1, limit.Sigma));
            Assert.Equal(level.VarianceDot, limit.VarianceDot, 1e-6 * Math.Max(1, Math.Abs(limit.VarianceDot)));
            if (double.IsFinite(limit.SigmaDot)) Assert.Equal(level.SigmaDot, limit.SigmaDot, 1e-6 * Math.Max(1, Math.Abs(limit.SigmaDot)));
            else Assert.True(Math.Abs(level.SigmaDot) > 100);
            if (double.IsFinite(limit.AlphaDot)) Assert.Equal(level.AlphaDot, limit.AlphaDot, 1e-6 * Math.Max(1, Math.Abs(limit.AlphaDot)));
            else Assert.True(level.AlphaDot < -100);
            Assert.False(double.IsNaN(limit.Drift) || double.IsNaN(limit.DiffusionSquared) || double.IsNaN(limit.LogSnr));
        }
    }

    [Theory]
    [InlineData("vp"), InlineData("cosine"), InlineData("cosine without offset"), InlineData("trigonometric"), InlineData("discrete"), InlineData("shifted cosine")]
    public void VariancePreservingSchedulesPreserveVariance(string name)
    {
        foreach (var t in _times)
        {
            var level = Of(name).At(t);
            Assert.Equal(1, level.Alpha * level.Alpha + level.Sigma * level.Sigma, 14);
            Assert.Equal(0, level.Alpha * level.AlphaDot + level.Sigma * level.SigmaDot, 1e-12 * Math.Abs(level.Alpha * level.AlphaDot) + 1e-14);
        }
    }
}
