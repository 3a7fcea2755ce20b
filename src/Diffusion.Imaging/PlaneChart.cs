using SkiaSharp;

namespace Diffusion.Imaging;

/// <summary>
/// A picture of what happens in a plane: a density as a heat map, points, a field of arrows, paths, in the order in which they are added. It needs no fonts, so it looks the same on every
/// machine. <see cref="ImageGrid"/> puts several beside each other.
/// </summary>
/// <remarks>
/// <code>
/// var chart = new PlaneChart(-3, 3, -3, 3) { Title = "Density and data" };
/// chart.AddHeat(density);   // [rows, columns], the first row at the bottom
/// chart.AddPoints(data);    // [count, 2]
/// chart.Write("plane.png");
/// </code>
/// Not for several threads at once.
/// </remarks>
public sealed class PlaneChart
{
    private readonly List<PlaneLayer> _layers = [];

    /// <summary>A part of the plane.</summary>
    /// <param name="left">Least horizontal value.</param>
    /// <param name="right">Greatest horizontal value, above <paramref name="left"/>.</param>
    /// <param name="bottom">Least vertical value.</param>
    /// <param name="top">Greatest vertical value, above <paramref name="bottom"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A side is empty or not finite.</exception>
    public PlaneChart(double left, double right, double bottom, double top)
    {
        if (!double.IsFinite(left) || !double.IsFinite(right) || !(right > left)) throw new ArgumentOutOfRangeException(nameof(right), right, $"The part of the plane must be finite and not empty; it begins at {left}.");
        if (!double.IsFinite(bottom) || !double.IsFinite(top) || !(top > bottom)) throw new ArgumentOutOfRangeException(nameof(top), top, $"The part of the plane must be finite and not empty; it begins at {bottom}.");
        (Left, Right, Bottom, Top) = (left, right, bottom, top);
    }

    /// <summary>Least horizontal value.</summary>
    public double Left { get; }

    /// <summary>Greatest horizontal value.</summary>
    public double Right { get; }

    /// <summary>Least vertical value.</summary>
    public double Bottom { get; }

    /// <summary>Greatest vertical value.</summary>
    public double Top { get; }

    /// <summary>What the picture shows.</summary>
    public string Title { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = "";

    /// <summary>What the horizontal axis is.</summary>
    public string XLabel { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = "";

    /// <summary>What the vertical axis is.</summary>
    public string YLabel { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = "";

    /// <summary>Width in pixels, 150 to 8192. Default 400.</summary>
    public int Width { get; init => field = Checked(value); } = 400;

    /// <summary>Height in pixels, 150 to 8192. Default 400.</summary>
    public int Height { get; init => field = Checked(value); } = 400;

    /// <summary>Adds a heat map over the whole part of the plane: white where the values are least or 0, dark where they are greatest.</summary>
    /// <param name="values">[rows, columns], finite, at the middles of equal cells; the first row at the bottom. Borrowed.</param>
    /// <param name="greatest">The value that is darkest; the greatest of them if null. Charts to be compared share one.</param>
    /// <exception cref="ArgumentException">The values are no finite matrix.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="greatest"/> is not positive and finite.</exception>
    public void AddHeat(Tensor values, double? greatest = null)
    {
        var numbers = Numbers(values, nameof(values), 2, null);
        if (greatest is { } given && (!(given > 0) || !double.IsFinite(given))) throw new ArgumentOutOfRangeException(nameof(greatest), greatest, "The greatest value must be positive and finite.");
        var most = greatest ?? Math.Max(numbers.Max(), double.Epsilon);
        _layers.Add(new PlaneLayer.Heat(numbers, (int)values.shape[0], (int)values.shape[1], most));
    }

    /// <summary>Adds points.</summary>
    /// <param name="points">[count, 2], horizontal and vertical; borrowed.</param>
    /// <param name="colour">One of six colours, counted from 0 and round again.</param>
    /// <param name="radius">In pixels, positive.</param>
    /// <exception cref="ArgumentException">The points are no finite [count, 2].</exception>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public void AddPoints(Tensor points, int colour = 0, double radius = 1.3)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(colour);
        if (!(radius > 0 && radius <= 100)) throw new ArgumentOutOfRangeException(nameof(radius), radius, "A radius lies in (0, 100] pixels.");
        _layers.Add(new PlaneLayer.Points(Numbers(points, nameof(points), 2, 2), colour, (float)radius));
    }

    /// <summary>Adds arrows.</summary>
    /// <param name="from">Where they begin, [count, 2]; borrowed.</param>
    /// <param name="along">How far and in which direction they go, [count, 2] in the units of the plane; borrowed.</param>
    /// <param name="colour">One of six colours, counted from 0 and round again.</param>
    /// <exception cref="ArgumentException">They are no finite [count, 2] of one size.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="colour"/> is negative.</exception>
    public void AddArrows(Tensor from, Tensor along, int colour = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(colour);
        var (starts, ways) = (Numbers(from, nameof(from), 2, 2), Numbers(along, nameof(along), 2, 2));
        if (starts.Length != ways.Length) throw new ArgumentException($"There are {starts.Length / 2} starts and {ways.Length / 2} arrows; as many of both are needed.", nameof(along));
        _layers.Add(new PlaneLayer.Arrows(starts, ways, colour));
    }

    /// <summary>Adds paths, with a dot where each ends.</summary>
    /// <param name="paths">[count, places, 2], each from its first to its last place; borrowed.</param>
    /// <param name="colour">One of six colours, counted from 0 and round again.</param>
    /// <exception cref="ArgumentException">They are no finite [count, places, 2].</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="colour"/> is negative.</exception>
    public void AddPaths(Tensor paths, int colour = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(colour);
        _layers.Add(new PlaneLayer.Paths(Numbers(paths, nameof(paths), 3, 2), (int)paths.shape[1], colour));
    }

    /// <summary>Draws the picture.</summary>
    /// <returns>[3, height, width] in [−1, 1], a fresh tensor in the caller's scope.</returns>
    public Tensor Render()
    {
        using var bitmap = new SKBitmap(new SKImageInfo(Width, Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using (var canvas = new SKCanvas(bitmap)) new PlanePainter(this).Draw(canvas, _layers);
        return PixelLayout.FromRgba(bitmap.GetPixelSpan(), Width, Height, channels: 3);
    }

    /// <summary>Draws the picture into a file: .png, .jpg or .webp.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <exception cref="ArgumentException">The extension is another.</exception>
    public void Write(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var image = Render();
        ImageFile.Write(image, path);
    }

    private static int Checked(int pixels) => pixels is >= 150 and <= 8192 ? pixels
        : throw new ArgumentOutOfRangeException(nameof(pixels), pixels, "A side of a picture is 150 to 8192 pixels long.");

    private static double[] Numbers(Tensor values, string name, int dimensions, int? last)
    {
        ArgumentNullException.ThrowIfNull(values, name);
        if (values.dim() != dimensions || values.numel() == 0 || !values.is_floating_point() || (last is { } size && values.shape[^1] != size))
            throw new ArgumentException($"{name} is {values.dtype} of shape [{string.Join(", ", values.shape)}]; floating [{(dimensions == 3 ? "count, places, 2" : last is null ? "rows, columns" : "count, 2")}] is needed.", name);
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var numbers = values.detach().to(float64, CPU).contiguous().data<double>().ToArray();
        return numbers.All(double.IsFinite) ? numbers : throw new ArgumentException($"{name} holds numbers that are not finite.", name);
    }
}
