namespace Diffusion.Imaging;

/// <summary>How a series of a <see cref="LineChart"/> is drawn.</summary>
public enum LineStyle
{
    /// <summary>A line.</summary>
    Solid,

    /// <summary>A thin pale line, in the colour of the series that is added after it: what was measured, behind its average.</summary>
    Faint,

    /// <summary>A dot at each point.</summary>
    Points,
}
