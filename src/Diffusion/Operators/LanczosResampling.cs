namespace Diffusion.Operators;

/// <summary>
/// Resampling of images with the windowed sinc of Lanczos, L(x) = sinc(x)·sinc(x/a) for |x| &lt; a: the upscaler that is not learned. Made smaller, the kernel is stretched by the ratio, so that
/// every pixel counts; at the edges it is cut off. The weights of each pixel sum to 1, so that constants stay. (Lanczos 1956; Duchon 1979. The layout is that of Pillow.)
/// </summary>
public static class LanczosResampling
{
    /// <summary>L(x).</summary>
    /// <param name="x">Distance in pixels.</param>
    /// <param name="lobes">a, at least 1.</param>
    public static double Kernel(double x, int lobes = 3)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lobes, 1);
        if (!(Math.Abs(x) < lobes)) return 0;
        return Sinc(x) * Sinc(x / lobes);
    }

    /// <summary>The weights of one axis: row i says how much each old pixel counts in new pixel i, whose middle lies at (i + ½)·from/to.</summary>
    /// <param name="from">Old length, at least 1.</param>
    /// <param name="to">New length, at least 1.</param>
    /// <param name="lobes">a, at least 1.</param>
    /// <returns>[to, from], rows of sum 1.</returns>
    public static double[,] Weights(int from, int to, int lobes = 3)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(from, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(to, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(lobes, 1);
        var ratio = (double)from / to;
        var stretch = Math.Max(1, ratio);
        var weights = new double[to, from];
        for (var i = 0; i < to; i++)
        {
            var (middle, sum) = ((i + 0.5) * ratio, 0.0);
            for (var j = 0; j < from; j++) sum += weights[i, j] = Kernel((j + 0.5 - middle) / stretch, lobes);
            for (var j = 0; j < from; j++) weights[i, j] /= sum;
        }

        return weights;
    }

    /// <summary>Resampling as an operator, with its adjoint and pseudo-inverse.</summary>
    /// <param name="height">Old height, at least 1.</param>
    /// <param name="width">Old width, at least 1.</param>
    /// <param name="newHeight">New height, at least 1.</param>
    /// <param name="newWidth">New width, at least 1.</param>
    /// <param name="lobes">a, at least 1.</param>
    public static SeparableOperator Operator(int height, int width, int newHeight, int newWidth, int lobes = 3) => new(Weights(height, newHeight, lobes), Weights(width, newWidth, lobes));

    /// <summary>Resamples images.</summary>
    /// <param name="images">[…, height, width], floating; borrowed.</param>
    /// <param name="newHeight">New height, at least 1.</param>
    /// <param name="newWidth">New width, at least 1.</param>
    /// <param name="lobes">a, at least 1.</param>
    /// <returns>[…, new height, new width], fresh. It may overshoot the range of the images at edges.</returns>
    /// <exception cref="ArgumentException">The tensor is no image.</exception>
    public static Tensor Resize(Tensor images, int newHeight, int newWidth, int lobes = 3)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.dim() < 2 || images.numel() == 0 || images.dtype is not (ScalarType.Float32 or ScalarType.Float64))
            throw new ArgumentException($"The images are {images.dtype} of shape [{string.Join(", ", images.shape)}]; float32 or float64 […, height, width] is needed.", nameof(images));
        using var scope = NewDisposeScope();
        var rows = tensor(Weights((int)images.shape[^2], newHeight, lobes), images.dtype, images.device);
        var columns = tensor(Weights((int)images.shape[^1], newWidth, lobes), images.dtype, images.device);
        return nn.functional.linear(nn.functional.linear(images, columns).transpose(-1, -2), rows).transpose(-1, -2).contiguous().MoveToOuterDisposeScope();
    }

    private static double Sinc(double x) => x == 0 ? 1 : Math.Sin(Math.PI * x) / (Math.PI * x);
}
