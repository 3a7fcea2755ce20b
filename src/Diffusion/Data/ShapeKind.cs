namespace Diffusion.Data;

/// <summary>The classes of <see cref="ShapesDataSet"/>, in the order of their labels. No two look alike however they are turned.</summary>
public enum ShapeKind
{
    /// <summary>A disc.</summary>
    Circle,

    /// <summary>A square.</summary>
    Square,

    /// <summary>An equilateral triangle, pointing up before it is turned.</summary>
    Triangle,

    /// <summary>A star with five points.</summary>
    Star,

    /// <summary>A disc with a round hole.</summary>
    Ring,

    /// <summary>A plus sign.</summary>
    Cross,

    /// <summary>A moon, open to the right before it is turned.</summary>
    Crescent,

    /// <summary>A heart, pointing down before it is turned.</summary>
    Heart,

    /// <summary>Half a disc, resting on its flat side before it is turned.</summary>
    HalfDisc,

    /// <summary>A long rectangle, level before it is turned.</summary>
    Bar,
}
