namespace Diffusion.Tests.Hostile;

/// <summary>Every format, and what two thousand mutations of the ordinary suite led to: run once, looked at by several tests.</summary>
internal static class HostileResults
{
    private const int Mutations = 2000;

    private static readonly Lazy<Dictionary<string, HostileRun>> Runs =
        new(() => Formats().ToDictionary(format => format.Name, format => HostileRun.Over(format, 0, (Mutations + Formats().Count - 1) / Formats().Count)));

    public static IReadOnlyDictionary<string, HostileRun> Ordinary => Runs.Value;

    public static IReadOnlyList<HostileFormat> Formats() =>
    [
        new SafetensorsFormat(), new ShardedFormat(), new UNetFormat(), new ConditionalUNetFormat(), new SchedulerFormat(), new DescriptionFormat(), new IdxFormat(false), new IdxFormat(true), new CifarFormat(), new PairFormat(),
        new PngFormat(), new JpegFormat(), new WebPFormat("WebP", 80, false), new WebPFormat("WebP lossless", 100, false), new WebPFormat("WebP extended", 80, true), new RunFormat(), new AveragesFormat(),
    ];
}
