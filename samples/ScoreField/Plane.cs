using static TorchSharp.torch;

namespace ScoreField;

/// <summary>The part of the plane that is looked at.</summary>
internal static class Plane
{
    public const double Extent = 3.2;

    /// <summary>The middles of n × n cells, row by row from the bottom: [n², 2].</summary>
    public static Tensor Cells(int n)
    {
        using var scope = NewDisposeScope();
        var axis = (arange(n, dtype: float32) + 0.5) * (2 * Extent / n) - Extent;
        return stack([axis.repeat(n), axis.repeat_interleave(n)], 1).MoveToOuterDisposeScope();
    }
}
