using Diffusion;
using Diffusion.Data;
using Diffusion.Imaging;
using Diffusion.Schedules;

namespace TrainImages;

/// <summary>What the options name.</summary>
internal static class Choices
{
    public static IReadOnlyDictionary<string, Func<NoiseSchedule>> Schedules { get; } = new Dictionary<string, Func<NoiseSchedule>>
    {
        ["rectified-flow"] = () => new RectifiedFlowSchedule(),
        ["cosine"] = () => new CosineSchedule(),
        ["variance-preserving"] = () => new VariancePreservingSchedule(),
        ["ddpm"] = () => new DiscreteSchedule(BetaSchedule.Linear()),
    };

    public static IReadOnlyDictionary<string, Func<Parameterization>> Parameterizations { get; } = new Dictionary<string, Func<Parameterization>>
    {
        ["v"] = () => Parameterization.V(),
        ["velocity"] = () => Parameterization.Velocity(),
        ["epsilon"] = () => Parameterization.Epsilon(),
        ["data"] = () => Parameterization.Data(),
        ["edm"] = () => Parameterization.Edm(),
    };

    /// <summary>Opens the data: drawn shapes, an IDX file with its labels beside it, or a folder of images.</summary>
    public static DataSet Open(string? path, int size, long seed)
    {
        if (path is null) return new ShapesDataSet(seed, size);
        if (Directory.Exists(path)) return ImageFolderDataSet.Open(path, size);
        var labels = path.Replace("images-idx3", "labels-idx1", StringComparison.Ordinal);
        return IdxDataSet.Open(path, labels != path && File.Exists(labels) ? labels : null);
    }
}
