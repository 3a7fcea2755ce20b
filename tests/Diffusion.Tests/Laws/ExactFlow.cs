using Diffusion.Denoisers;

namespace Diffusion.Tests.Laws;

/// <summary>The flow dx̂/dσ̂ = ε̂ of known data, in x̂ = x/α and σ̂ = σ/α, by numbers alone: what samplers are measured against.</summary>
internal static class ExactFlow
{
    /// <summary>The one-dimensional mixture of the laws: weights .4 and .6, means −.8 and .7, variances .05 and .02.</summary>
    public static GaussianMixture Mixture { get; } = new([0.4, 0.6], new[,] { { -0.8 }, { 0.7 } }, new[,] { { Math.Sqrt(0.05) }, { Math.Sqrt(0.02) } });

    /// <summary>N(m, s²): x̂' − m = (x̂ − m)·√((s² + σ̂'²)/(s² + σ̂²)).</summary>
    public static double Gaussian(double x, double from, double to, double mean, double deviation) =>
        mean + (x - mean) * Math.Sqrt((deviation * deviation + to * to) / (deviation * deviation + from * from));

    /// <summary>The mixture, by the classical Runge–Kutta method in ln σ̂ with steps of about 2·10⁻⁴: exact to 1e-12.</summary>
    public static double OfMixture(double x, double from, double to)
    {
        var steps = Math.Max(1, (int)Math.Ceiling(Math.Abs(Math.Log(to / from)) / 2e-4));
        var h = Math.Log(to / from) / steps;
        for (var i = 0; i < steps; i++)
        {
            var u = Math.Log(from) + i * h;
            var k1 = Slope(x, u);
            var k2 = Slope(x + h / 2 * k1, u + h / 2);
            var k3 = Slope(x + h / 2 * k2, u + h / 2);
            var k4 = Slope(x + h * k3, u + h);
            x += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
        }

        return x;
    }

    // dx̂/d ln σ̂ = x̂ − x̂₀.
    private static double Slope(double x, double logSigma) => x - Data(x, Math.Exp(logSigma));

    /// <summary>x̂₀ of the mixture.</summary>
    public static double Data(double x, double sigma)
    {
        var (a, b) = (Component(x, 0.4, -0.8, 0.05 + sigma * sigma), Component(x, 0.6, 0.7, 0.02 + sigma * sigma));
        var weight = 1 / (1 + Math.Exp(b - a));
        var first = -0.8 + 0.05 / (0.05 + sigma * sigma) * (x + 0.8);
        var second = 0.7 + 0.02 / (0.02 + sigma * sigma) * (x - 0.7);
        return weight * first + (1 - weight) * second;
    }

    private static double Component(double x, double weight, double mean, double variance) =>
        Math.Log(weight) - (Math.Log(variance) + (x - mean) * (x - mean) / variance) / 2;
}
