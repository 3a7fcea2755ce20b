namespace Diffusion.Samplers;

/// <summary>
/// How to choose the ladder and step size of annealed Langevin dynamics: the techniques of Song and Ermon 2020, as numbers.
/// </summary>
public static class NcsnLadder
{
    /// <summary>Technique 1: the largest noise, the greatest distance between two data points.</summary>
    /// <param name="data">[n, …] with n ≥ 2; all pairs are looked at, so give a few thousand points.</param>
    /// <exception cref="ArgumentException">There are fewer than two points, or they are complex.</exception>
    public static double LargestDistance(Tensor data)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (data.dim() < 2 || data.shape[0] < 2 || data.numel() == 0 || data.is_complex())
            throw new ArgumentException($"The data is {data.dtype} of shape [{string.Join(", ", data.shape)}]; at least 2 points [n, …] of real numbers are needed.", nameof(data));
        using var scope = NewDisposeScope();
        var flat = data.flatten(1).to(float64);
        return cdist(flat, flat).max().item<double>();
    }

    /// <summary>
    /// Technique 2: the ratio γ of neighbouring levels at which neighbouring noises overlap by a half: Φ(√(2D)·(γ − 1) + 3γ) − Φ(√(2D)·(γ − 1) − 3γ) = ½.
    /// </summary>
    /// <param name="dimensions">D, numbers a sample; at least 1.</param>
    /// <param name="overlap">What the difference shall be, in (0, 0.997); about ½ in the paper, whose 232 levels of CIFAR-10 have 0.57.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range, or noises in so few dimensions (below 5) always overlap by more.</exception>
    public static double Ratio(long dimensions, double overlap = 0.5)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dimensions, 1);
        if (!(overlap > 0 && overlap < 0.997)) throw new ArgumentOutOfRangeException(nameof(overlap), overlap, "The overlap of neighbouring noises lies in (0, 0.997).");
        double Overlap(double ratio)
        {
            var shift = Math.Sqrt(2.0 * dimensions) * (ratio - 1);
            return NormalDistribution.Cumulative(shift + 3 * ratio) - NormalDistribution.Cumulative(shift - 3 * ratio);
        }

        // From 0.9973 at γ = 1 it first may rise a little and then falls; the root lies beyond.
        var high = 2.0;
        while (Overlap(high) > overlap)
        {
            high *= 2;
            if (high > 1e6) throw new ArgumentOutOfRangeException(nameof(overlap), overlap, $"Noises in {dimensions} dimensions always overlap by more, however far apart the levels.");
        }

        return Roots.Bisect(1, high, ratio => Overlap(ratio) > overlap).Low;
    }

    /// <summary>The number of levels of a geometric ladder, rounded up.</summary>
    /// <param name="largest">σ of the first level.</param>
    /// <param name="smallest">σ of the last level.</param>
    /// <param name="ratio">γ, above 1.</param>
    public static int Levels(double largest, double smallest, double ratio)
    {
        if (!(smallest > 0) || !(largest >= smallest) || !double.IsFinite(largest)) throw new ArgumentOutOfRangeException(nameof(largest), largest, $"The ladder runs from {largest} to {smallest}; it must fall and stay positive.");
        if (!(ratio > 1)) throw new ArgumentOutOfRangeException(nameof(ratio), ratio, "The ratio of neighbouring levels must be above 1.");
        return 1 + (int)Math.Ceiling(Math.Log(largest / smallest) / Math.Log(ratio) - 1e-9);
    }

    /// <summary>
    /// Technique 4: what settings make of the variance of a state without data, relative to the level: (1 − ε/σ_L²)^{2T}·(γ² − q) + q with
    /// q = 2ε/(σ_L² − σ_L²(1 − ε/σ_L²)²), about what they inflate the variance of standard normal data by. Wanted is 1.
    /// </summary>
    /// <param name="stepSize">ε, positive and below 2σ_L².</param>
    /// <param name="stepsPerLevel">T, at least 1.</param>
    /// <param name="ratio">γ, at least 1.</param>
    /// <param name="smallest">σ_L, positive.</param>
    public static double VarianceRatio(double stepSize, int stepsPerLevel, double ratio, double smallest)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(stepsPerLevel, 1);
        if (!(ratio >= 1) || !double.IsFinite(ratio)) throw new ArgumentOutOfRangeException(nameof(ratio), ratio, "The ratio of neighbouring levels must be at least 1.");
        if (!(smallest > 0) || !double.IsFinite(smallest)) throw new ArgumentOutOfRangeException(nameof(smallest), smallest, "A noise level must be positive and finite.");
        var relative = stepSize / (smallest * smallest);
        if (!(relative > 0 && relative < 2)) throw new ArgumentOutOfRangeException(nameof(stepSize), stepSize, $"Langevin dynamics at σ = {smallest} is stable for step sizes in (0, {2 * smallest * smallest}).");
        var settled = 2 / (2 - relative); // q: 2ε/σ² over 1 − (1 − ε/σ²)²
        return Math.Pow(1 - relative, 2.0 * stepsPerLevel) * (ratio * ratio - settled) + settled;
    }

    /// <summary>
    /// Technique 4: the step size with which <see cref="VarianceRatio"/> is nearest to 1. It never reaches 1: it lies between γ² and what dynamics
    /// of that step size settles at, and both are above.
    /// </summary>
    /// <inheritdoc cref="VarianceRatio" path="/param"/>
    public static double StepSize(int stepsPerLevel, double ratio, double smallest)
    {
        double At(double relative) => VarianceRatio(relative * smallest * smallest, stepsPerLevel, ratio, smallest);
        var (low, high) = (1e-12, 1.0);
        const double golden = 0.6180339887498949;
        for (var i = 0; i < 100; i++) // it falls and then rises: golden section
        {
            var (a, b) = (high - golden * (high - low), low + golden * (high - low));
            if (At(a) < At(b)) high = b; else low = a;
        }

        return (low + high) / 2 * smallest * smallest;
    }
}
