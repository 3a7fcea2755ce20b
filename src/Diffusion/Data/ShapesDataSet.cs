namespace Diffusion.Data;

/// <summary>
/// A labelled set of images that is drawn by code: one shape on a plain ground, ten kinds of shape. Colours, size, position and
/// rotation vary independently of the class and are known exactly, so that what a model has learned can be measured. Nothing is
/// stored: image k follows from the seed and k.
/// </summary>
/// <remarks>
/// Sample k is of kind k mod 10. The shape is vivid on a pale ground (in the colour space OKLCH: lightness 0.48–0.70, chroma 0.13–0.20
/// and any hue, on lightness 0.90–0.98, chroma 0–0.05 and any hue). Its radius is 0.25 to 0.375 of the image's size, its
/// centre lies within 0.09 of the size around the middle, along each axis, and it is turned by up to 30° to either side. The shape always lies
/// within the image. Edges are smooth: a pixel's share of the shape follows from its distance to the outline.
/// </remarks>
public sealed class ShapesDataSet : DataSet
{
    /// <summary>Number of samples unless another is given: as good as endless for training.</summary>
    public const long DefaultCount = 1_000_000_000;

    private const double LeastRadius = 0.25, GreatestRadius = 0.375, Shift = 0.09, Turn = Math.PI / 6;

    private readonly long _seed;
    private readonly int _size;

    /// <summary>A set of drawn shapes.</summary>
    /// <param name="seed">Another seed is another set, for example to test with. Default 0.</param>
    /// <param name="size">Height and width of the images in pixels, 8 to 1024. Default 32.</param>
    /// <param name="count">Number of samples, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="size"/> is out of range.</exception>
    /// <exception cref="ArgumentException"><paramref name="count"/> is below 1.</exception>
    public ShapesDataSet(long seed = 0, int size = 32, long count = DefaultCount)
        : base(count, [3, CheckedSize(size), size], Names) => (_seed, _size) = (seed, size);

    private static string[] Names { get; } =
        ["circle", "square", "triangle", "star", "ring", "cross", "crescent", "heart", "half disc", "bar"];

    /// <summary>What an image shows.</summary>
    /// <param name="index">In [0, <see cref="DataSet.Count"/>).</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such sample.</exception>
    public ShapeAttributes Attributes(long index)
    {
        if ((ulong)index >= (ulong)Count) throw new ArgumentOutOfRangeException(nameof(index), index, $"The set has samples 0 to {Count - 1}.");
        var random = new RandomStream(_seed, index);
        var hue = random.NextDouble(0, 2 * Math.PI);
        var foreground = RgbColor.FromOklch(random.NextDouble(0.48, 0.70), random.NextDouble(0.13, 0.20), hue);
        var background = RgbColor.FromOklch(random.NextDouble(0.90, 0.98), random.NextDouble(0, 0.05), random.NextDouble(0, 2 * Math.PI));
        return new ShapeAttributes(
            (ShapeKind)(index % Names.Length), foreground, background, hue,
            Radius: _size * random.NextDouble(LeastRadius, GreatestRadius),
            CenterX: _size * (0.5 + random.NextDouble(-Shift, Shift)),
            CenterY: _size * (0.5 + random.NextDouble(-Shift, Shift)),
            Rotation: random.NextDouble(-Turn, Turn));
    }

    /// <inheritdoc/>
    protected override void Read(ReadOnlySpan<long> indices, Span<float> data, Span<long> labels)
    {
        var size = 3 * _size * _size;
        for (var k = 0; k < indices.Length; k++)
        {
            var shape = Attributes(indices[k]);
            labels[k] = (long)shape.Kind;
            Draw(shape, data.Slice(k * size, size));
        }
    }

    private void Draw(ShapeAttributes shape, Span<float> image)
    {
        var plane = _size * _size;
        var red = image[..plane];
        var green = image[plane..(2 * plane)];
        var blue = image[(2 * plane)..];
        var (ground, ink) = (shape.Background, shape.Foreground);
        red.Fill(ground.Red);
        green.Fill(ground.Green);
        blue.Fill(ground.Blue);

        var outline = ShapeOutline.Of(shape.Kind);
        var (radius, centerX, centerY) = ((float)shape.Radius, (float)shape.CenterX, (float)shape.CenterY);
        var (cos, sin) = ((float)Math.Cos(shape.Rotation) / radius, (float)Math.Sin(shape.Rotation) / radius);
        var reach = radius + 1;
        var (top, bottom) = (Math.Max((int)(centerY - reach), 0), Math.Min((int)(centerY + reach) + 1, _size));
        var (left, right) = (Math.Max((int)(centerX - reach), 0), Math.Min((int)(centerX + reach) + 1, _size));
        for (var y = top; y < bottom; y++)
        {
            for (var x = left; x < right; x++)
            {
                var (dx, dy) = (x + 0.5f - centerX, y + 0.5f - centerY);
                if (dx * dx + dy * dy > reach * reach) continue;
                // Turned back into the shape's own frame.
                var distance = radius * outline.Distance(cos * dx + sin * dy, cos * dy - sin * dx);
                var share = Math.Clamp(0.5f - distance, 0f, 1f);
                var p = y * _size + x;
                red[p] += share * (ink.Red - ground.Red);
                green[p] += share * (ink.Green - ground.Green);
                blue[p] += share * (ink.Blue - ground.Blue);
            }
        }
    }

    private static int CheckedSize(int size)
    {
        if (size is < 8 or > 1024)
            throw new ArgumentOutOfRangeException(nameof(size), size, "Images are 8 to 1024 pixels high and wide.");
        return size;
    }
}
