namespace Diffusion.Data;

/// <summary>
/// What one image of <see cref="ShapesDataSet"/> shows. All but the kind are drawn independently of the kind and of each other.
/// </summary>
/// <param name="Kind">The class; its number is the label.</param>
/// <param name="Foreground">Colour of the shape.</param>
/// <param name="Background">Colour of everything else.</param>
/// <param name="Hue">Hue of the foreground as it was drawn, an angle in [0, 2π) of the colour space OKLCH.</param>
/// <param name="Radius">Distance from the centre to the farthest point of the shape, in pixels.</param>
/// <param name="CenterX">Centroid of the shape, in pixels from the left edge of the image: pixel k covers k to k + 1.</param>
/// <param name="CenterY">Centroid of the shape, in pixels from the top edge.</param>
/// <param name="Rotation">Angle by which the shape is turned clockwise, in radians.</param>
public readonly record struct ShapeAttributes(
    ShapeKind Kind, RgbColor Foreground, RgbColor Background, double Hue, double Radius, double CenterX, double CenterY, double Rotation)
{
    /// <summary>Area of the shape in square pixels.</summary>
    public double Area => ShapeOutline.Of(Kind).Area * Radius * Radius;
}
