namespace Diffusion;

/// <summary>Gauss–Legendre quadrature: n points integrate every polynomial of degree 2n − 1 exactly.</summary>
internal sealed class GaussLegendre
{
    private readonly double[] _nodes; // on [−1, 1]
    private readonly double[] _weights;

    /// <summary>The rule of a number of points.</summary>
    /// <param name="points">n, at least 1.</param>
    public GaussLegendre(int points)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(points, 1);
        _nodes = new double[points];
        _weights = new double[points];
        for (var i = 0; i < points; i++)
        {
            // Newton's method on the Legendre polynomial from Tricomi's guess: quadratic, so a few steps reach rounding.
            var x = Math.Cos(Math.PI * (i + 0.75) / (points + 0.5));
            var (value, slope) = Legendre(points, x);
            for (var step = 0; step < 8; step++)
            {
                x -= value / slope;
                (value, slope) = Legendre(points, x);
            }

            _nodes[i] = x;
            _weights[i] = 2 / ((1 - x * x) * slope * slope);
        }
    }

    /// <summary>∫ f over [a, b].</summary>
    public double Integrate(Func<double, double> f, double a, double b)
    {
        var (middle, half, sum) = ((a + b) / 2, (b - a) / 2, 0.0);
        for (var i = 0; i < _nodes.Length; i++) sum += _weights[i] * f(middle + half * _nodes[i]);
        return half * sum;
    }

    private static (double Value, double Slope) Legendre(int degree, double x)
    {
        var (before, value) = (1.0, x);
        for (var k = 2; k <= degree; k++) (before, value) = (value, ((2 * k - 1) * x * value - (k - 1) * before) / k);
        return (value, degree * (x * value - before) / (x * x - 1));
    }
}
