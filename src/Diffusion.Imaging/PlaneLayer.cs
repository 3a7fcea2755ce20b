namespace Diffusion.Imaging;

/// <summary>One thing in a <see cref="PlaneChart"/>, in plain numbers.</summary>
internal abstract record PlaneLayer
{
    internal sealed record Heat(double[] Values, int Rows, int Columns, double Greatest) : PlaneLayer;

    internal sealed record Points(double[] Places, int Colour, float Radius) : PlaneLayer;

    internal sealed record Arrows(double[] From, double[] Along, int Colour) : PlaneLayer;

    internal sealed record Paths(double[] Places, int PerPath, int Colour) : PlaneLayer;
}
