namespace Diffusion.Samplers;

/// <summary>
/// How the order of a multistep method falls in its last steps: a short run ends with large steps in log-SNR, where high orders are unstable.
/// The default keeps the full order; the step to clean data is of first order in any case. (Lu et al. 2022b, section 5)
/// </summary>
/// <param name="DescendBelow">In runs of fewer steps than this, the last step is of order 1, the one before of order 2 at most, and so on. 0 for none.</param>
/// <param name="LastOrder">The last step is of this order at most; null leaves it.</param>
public readonly record struct MultistepEnding(int DescendBelow, int? LastOrder = null)
{
    /// <summary>The full order to the end.</summary>
    public static MultistepEnding Full => default;

    /// <summary>Descending in runs of fewer than 15 steps, as published for DPM-Solver.</summary>
    public static MultistepEnding ShortRuns => new(15);

    /// <summary>Descending in every run, as published for UniPC.</summary>
    public static MultistepEnding Descending => new(int.MaxValue);

    /// <summary>A last step of first order.</summary>
    public static MultistepEnding EulerLast => new(0, 1);

    /// <summary>The most that the order of a step may be.</summary>
    internal int Limit(int order, SamplerStep step) => Limit(order, step.Index, step.Grid);

    /// <summary>The most that the order of a step of a grid may be.</summary>
    internal int Limit(int order, int index, TimeGrid grid)
    {
        var left = grid.Count - index; // with this one
        if (left == 1 && LastOrder is { } last) order = Math.Min(order, last);
        return grid.Count < DescendBelow && left >= 1 ? Math.Min(order, left) : order;
    }
}
