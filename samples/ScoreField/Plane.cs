using static TorchSharp.torch;

namespace ScoreField;

/// <summary>The part of the plane that is looked at.</summary>
internal static class Plane
{
    public const double Extent = 3.4;

    /// <summary>The middles of n × n cells, row by row from the bottom: [n², 2].</summary>
    /// <param name="n">Cells a side.</param>
    /// <param name="extent">How far the plane reaches.</param>
    public static Tensor Cells(int n, double extent = Extent)
    {
        using var scope = NewDisposeScope();
        var axis = (arange(n, dtype: float32) + 0.5) * (2 * extent / n) - extent;
        return stack([axis.repeat(n), axis.repeat_interleave(n)], 1).MoveToOuterDisposeScope();
    }
}
