namespace Diffusion.Operators;

/// <summary>
/// Circular convolution with any kernel, by the Fourier transform: the image goes on at the opposite edge. For kernels that are not separable (motion blur); <see cref="SeparableOperator"/> blurs without
/// going round the edge.
/// </summary>
public sealed class BlurOperator : LinearOperator
{
    private readonly int _height;
    private readonly int _width;
    private readonly double[] _real; // the kernel's transform [height, width/2 + 1], row by row
    private readonly double[] _imaginary;
    private readonly double[] _values; // its size, 0 where below the cut-off

    /// <summary>An operator of a kernel.</summary>
    /// <param name="kernel">Finite; its middle ([⌊rows/2⌋, ⌊columns/2⌋]) falls on the pixel itself. Not larger than the image.</param>
    /// <param name="height">Height of the images, at least 1.</param>
    /// <param name="width">Width of the images, at least 1.</param>
    /// <param name="cutoff">Frequencies below this fraction of the largest gain count as not measured in the pseudo-inverse, which would multiply noise by their inverse; in [0, 1).</param>
    /// <exception cref="ArgumentException">The kernel is empty, larger than the image, all 0, or holds a number that is not finite.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public BlurOperator(double[,] kernel, int height, int width, double cutoff = 1e-3)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        if (!(cutoff >= 0 && cutoff < 1)) throw new ArgumentOutOfRangeException(nameof(cutoff), cutoff, "The cut-off lies in [0, 1).");
        var given = Factorization.Copy(kernel, nameof(kernel));
        var (rows, columns) = (given.GetLength(0), given.GetLength(1));
        if (rows > height || columns > width) throw new ArgumentException($"The kernel is [{rows}, {columns}], larger than the image [{height}, {width}].", nameof(kernel));
        TorchBackend.EnsureLoaded();
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var laid = new double[height, width];
        for (var i = 0; i < rows; i++)
            for (var j = 0; j < columns; j++) laid[(i - rows / 2 + height) % height, (j - columns / 2 + width) % width] += given[i, j];
        var transform = fft.rfft2(tensor(laid));
        (_height, _width) = (height, width);
        _real = transform.real.contiguous().data<double>().ToArray();
        _imaginary = transform.imag.contiguous().data<double>().ToArray();
        _values = new double[_real.Length];
        for (var i = 0; i < _values.Length; i++) _values[i] = Math.Sqrt(_real[i] * _real[i] + _imaginary[i] * _imaginary[i]);
        var largest = _values.Max();
        if (largest == 0) throw new ArgumentException("The kernel is all 0.", nameof(kernel));
        for (var i = 0; i < _values.Length; i++)
            if (_values[i] <= Math.Max(cutoff, 1e-14) * largest) _values[i] = 0;
    }

    /// <inheritdoc/>
    public override bool HasSpectrum => true;

    /// <inheritdoc/>
    public override Tensor Apply(Tensor x) => Multiply(x, (i, _) => (_real[i], _imaginary[i]));

    /// <inheritdoc/>
    public override Tensor Transpose(Tensor y) => Multiply(y, (i, _) => (_real[i], -_imaginary[i]));

    /// <inheritdoc/>
    public override Tensor PseudoInverse(Tensor y) => Multiply(y, (i, s) => s == 0 ? (0, 0) : (_real[i] / (s * s), -_imaginary[i] / (s * s)));

    /// <inheritdoc/>
    public override Tensor Filter(Tensor x, Func<double, double> gain)
    {
        ArgumentNullException.ThrowIfNull(gain);
        return Multiply(x, (_, s) => (gain(s), 0));
    }

    private Tensor Multiply(Tensor image, Func<int, double, (double Real, double Imaginary)> factor)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (image.dim() < 3 || image.shape[^2] != _height || image.shape[^1] != _width || image.dtype is not (ScalarType.Float32 or ScalarType.Float64))
            throw new ArgumentException($"The image is {image.dtype} of shape [{string.Join(", ", image.shape)}]; float32 or float64 [batch, …, {_height}, {_width}] is needed.", nameof(image));
        using var scope = NewDisposeScope();
        var (real, imaginary) = (new double[_values.Length], new double[_values.Length]);
        for (var i = 0; i < real.Length; i++) (real[i], imaginary[i]) = factor(i, _values[i]);
        long[] shape = [_height, _width / 2 + 1];
        var factors = complex(tensor(real, shape, image.dtype, image.device), tensor(imaginary, shape, image.dtype, image.device));
        return fft.irfft2(fft.rfft2(image).mul(factors), [_height, _width]).MoveToOuterDisposeScope();
    }
}
