namespace Diffusion.Imaging;

/// <summary>One series of a chart.</summary>
internal sealed record ChartSeries(string Name, double[] X, double[] Y, LineStyle Style, int Colour);
