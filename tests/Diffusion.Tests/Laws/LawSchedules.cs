using Diffusion.Schedules;

namespace Diffusion.Tests.Laws;

/// <summary>The schedules that every sampler is tried on.</summary>
internal static class LawSchedules
{
    private static readonly (string Name, NoiseSchedule Schedule)[] _all =
    [
        ("vp", new VariancePreservingSchedule()),
        ("cosine", new CosineSchedule()),
        ("flow", new RectifiedFlowSchedule()),
        ("sub-vp", new SubVariancePreservingSchedule()),
        ("ve", new VarianceExplodingSchedule(0.002, 100)),
        ("karras", new KarrasSchedule()),
    ];

    public static IEnumerable<string> Names => _all.Select(entry => entry.Name);

    public static NoiseSchedule Of(string name) => _all.Single(entry => entry.Name == name).Schedule;
}
