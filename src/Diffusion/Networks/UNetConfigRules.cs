namespace Diffusion.Networks;

/// <summary>Which configurations make a network that runs. Each rule says what was given and what is needed.</summary>
internal static class UNetConfigRules
{
    /// <summary>Above every size that was ever trained, and small enough that no product of sizes leaves its range.</summary>
    private const int Greatest = 1 << 24;

    /// <exception cref="ArgumentException">The configuration makes no network, or one whose forward pass cannot run.</exception>
    public static void Check(UNetConfig c)
    {
        Need(!c.BlockOutChannels.IsDefaultOrEmpty && c.BlockOutChannels.Length <= 30, "BlockOutChannels needs one number a level, at least one.");
        var levels = c.BlockOutChannels.Length;
        Need(!c.DownBlockTypes.IsDefault && c.DownBlockTypes.Length == levels && !c.UpBlockTypes.IsDefault && c.UpBlockTypes.Length == levels,
            $"DownBlockTypes, UpBlockTypes and BlockOutChannels must have one entry a level; BlockOutChannels has {levels}.");
        Positive(c.InChannels, nameof(c.InChannels));
        Positive(c.OutChannels, nameof(c.OutChannels));
        foreach (var channels in c.BlockOutChannels) Positive(channels, nameof(c.BlockOutChannels));
        Positive(c.LayersPerBlock, nameof(c.LayersPerBlock));
        Positive(c.TimeEmbeddingDim, nameof(c.TimeEmbeddingDim));
        Positive(c.AttentionHeadDim, nameof(c.AttentionHeadDim));
        Positive(c.NormNumGroups, nameof(c.NormNumGroups));
        Positive(c.AttnNormNumGroups, nameof(c.AttnNormNumGroups));
        Positive(c.NumClassEmbeds, nameof(c.NumClassEmbeds));
        Positive(c.NumTrainTimesteps, nameof(c.NumTrainTimesteps));
        Positive(c.SampleSize?.Height, nameof(c.SampleSize));
        Positive(c.SampleSize?.Width, nameof(c.SampleSize));
        Need(c.DownsamplePadding is 0 or 1, $"DownsamplePadding is {c.DownsamplePadding}; with other than 0 or 1 the levels do not meet again.");
        Need(c.Dropout is >= 0 and < 1, $"Dropout is {c.Dropout}; from 0 to below 1 is needed.");
        Need(c.NormEps > 0 && double.IsFinite(c.NormEps), $"NormEps is {c.NormEps}; a finite number above 0 is needed.");
        Need(c.MidBlockScaleFactor != 0 && double.IsFinite(c.MidBlockScaleFactor),
            $"MidBlockScaleFactor is {c.MidBlockScaleFactor}; a finite number other than 0 is needed.");
        Defined(c.TimeEmbeddingType);
        Defined(c.DownsampleType);
        Defined(c.UpsampleType);
        Defined(c.ActFn);
        Defined(c.ResnetTimeScaleShift);
        Need(c.ClassEmbedType is null or ClassEmbeddingType.Timestep or ClassEmbeddingType.Identity,
            $"ClassEmbedType is {c.ClassEmbedType}; a UNet takes Timestep, Identity or none, a ConditionalUNet the others too.");
        foreach (var block in c.DownBlockTypes.Concat(c.UpBlockTypes)) Defined(block);
        Need(c.TimeEmbeddingType != TimeEmbeddingType.Positional || c.BlockOutChannels[0] / 2 != c.FreqShift,
            $"FreqShift is {c.FreqShift}, half of the first BlockOutChannels: the positional embedding would divide by zero.");
        Need(c.TimeEmbeddingType != TimeEmbeddingType.Learned || c.NumTrainTimesteps is not null,
            "TimeEmbeddingType is Learned; NumTrainTimesteps must say how many noise labels there are.");
        CheckSkipLevels(c);
    }

    private static void CheckSkipLevels(UNetConfig c)
    {
        var last = c.BlockOutChannels.Length - 1;
        var downSkips = c.DownBlockTypes.Select(IsSkip).ToArray();
        var upSkips = c.UpBlockTypes.Select(IsSkip).ToArray();
        Need(c.NormNumGroups is not null || (downSkips.All(s => s) && upSkips.All(s => s)),
            "NormNumGroups is null; only skip levels choose their own groups, and not all levels are skip levels.");
        // The last level on the way down and on the way up keeps the resolution and takes no part in the pyramid.
        for (var i = 1; i < last; i++)
        {
            Need(!downSkips[i] || downSkips[i - 1],
                $"DownBlockTypes has a skip level after one that is none (level {i}): the image would not have the size of the features.");
        }
        for (var i = 0; i < last; i++)
        {
            Need(!upSkips[i] || upSkips[i + 1],
                $"UpBlockTypes has a skip level before one that is none (level {i + 1}): the painted image would stay too small.");
        }
        Need(!downSkips.Take(last).Any(s => s) || c.InChannels == SkipDownBlock.ImageChannels,
            $"InChannels is {c.InChannels}; skip levels take {SkipDownBlock.ImageChannels}.");
        Need(!upSkips.Take(last).Any(s => s) || c.OutChannels == SkipDownBlock.ImageChannels,
            $"OutChannels is {c.OutChannels}; skip levels paint {SkipDownBlock.ImageChannels}.");
    }

    private static bool IsSkip(UNetBlockType type) => type is UNetBlockType.Skip or UNetBlockType.AttentionSkip;

    private static void Positive(int? value, string name)
    {
        Need(value is null or > 0, $"{name} is {value}; a number above 0 is needed.");
        Need(value is null or <= Greatest, $"{name} is {value}; at most {Greatest} is possible.");
    }

    private static void Defined<T>(T value) where T : struct, Enum => Need(Enum.IsDefined(value), $"{value} is no {typeof(T).Name}.");

    private static void Need(bool condition, string message)
    {
        if (!condition) throw new ArgumentException(message);
    }
}
