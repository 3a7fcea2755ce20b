namespace Diffusion.Denoisers;

/// <summary>
/// A mixture of Gaussians with independent axes: a distribution whose diffused density, score and denoiser are known exactly. Immutable;
/// plain numbers.
/// </summary>
public sealed class GaussianMixture
{
    private readonly double[] _weights;
    private readonly double[,] _means;
    private readonly double[,] _deviations;

    /// <summary>A mixture of K Gaussians in D dimensions.</summary>
    /// <param name="weights">K positive weights; scaled to sum 1.</param>
    /// <param name="means">[K, D], finite.</param>
    /// <param name="deviations">[K, D] standard deviations, positive; or [K, 1] for the same on every axis.</param>
    /// <exception cref="ArgumentException">The sizes disagree or a number is out of range.</exception>
    public GaussianMixture(ReadOnlySpan<double> weights, double[,] means, double[,] deviations)
    {
        ArgumentNullException.ThrowIfNull(means);
        ArgumentNullException.ThrowIfNull(deviations);
        var (components, dimensions) = (means.GetLength(0), means.GetLength(1));
        if (weights.Length == 0 || components != weights.Length || deviations.GetLength(0) != components || dimensions == 0
            || (deviations.GetLength(1) != dimensions && deviations.GetLength(1) != 1))
            throw new ArgumentException(
                $"{weights.Length} weights, means [{components}, {dimensions}] and deviations [{deviations.GetLength(0)}, {deviations.GetLength(1)}] do not fit: "
                + "K weights, [K, D] means and [K, D] or [K, 1] deviations are needed.", nameof(means));
        var sum = 0.0;
        foreach (var weight in weights)
            sum += weight > 0 && double.IsFinite(weight) ? weight : throw new ArgumentException($"A weight is {weight}; weights must be positive and finite.", nameof(weights));
        foreach (var mean in means)
            if (!double.IsFinite(mean)) throw new ArgumentException($"A mean is {mean}; means must be finite.", nameof(means));
        foreach (var deviation in deviations)
            if (!(deviation > 0) || !double.IsFinite(deviation)) throw new ArgumentException($"A deviation is {deviation}; deviations must be positive and finite.", nameof(deviations));
        _weights = Array.ConvertAll(weights.ToArray(), w => w / sum);
        _means = (double[,])means.Clone();
        _deviations = (double[,])deviations.Clone();
    }

    /// <summary>K.</summary>
    public int Components => _weights.Length;

    /// <summary>D.</summary>
    public int Dimensions => _means.GetLength(1);

    /// <summary>Equal weights and one standard deviation for all: the common test case.</summary>
    /// <param name="means">[K, D], finite.</param>
    /// <param name="deviation">Positive.</param>
    public static GaussianMixture Uniform(double[,] means, double deviation)
    {
        ArgumentNullException.ThrowIfNull(means);
        var components = means.GetLength(0);
        var deviations = new double[components, 1];
        for (var k = 0; k < components; k++) deviations[k, 0] = deviation;
        return new GaussianMixture(Array.ConvertAll(new double[components], _ => 1.0), means, deviations);
    }

    /// <summary>Draws samples of the data.</summary>
    /// <param name="count">How many, at least 0.</param>
    /// <param name="noise">Where random numbers come from.</param>
    /// <param name="dtype">Floating type; float32 by default.</param>
    /// <returns>[count, D], a fresh tensor in the caller's scope.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is negative, or <paramref name="dtype"/> is no floating-point type.</exception>
    public Tensor Sample(long count, NoiseSource noise, ScalarType dtype = ScalarType.Float32)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentNullException.ThrowIfNull(noise);
        if (dtype is not (ScalarType.Float32 or ScalarType.Float64 or ScalarType.Float16 or ScalarType.BFloat16))
            throw new ArgumentOutOfRangeException(nameof(dtype), dtype, "A floating-point type is needed.");
        using var scope = NewDisposeScope();
        var chosen = new long[count];
        for (var i = 0; i < count; i++)
        {
            var u = noise.NextDouble();
            var k = 0;
            while (k + 1 < Components && u >= _weights[k]) u -= _weights[k++];
            chosen[i] = k;
        }

        var index = tensor(chosen, int64);
        var normal = noise.Next([count, Dimensions], ScalarType.Float64, CPU);
        var drawn = tensor(_means).index_select(0, index) + tensor(_deviations).index_select(0, index) * normal;
        return drawn.to(dtype).MoveToOuterDisposeScope();
    }

    /// <summary>ln p_t(x), the exact log-density of the diffused mixture; at a clean level that of the data. Differentiable.</summary>
    /// <param name="x">[batch, …] with D numbers a sample.</param>
    /// <param name="level">The noise level.</param>
    /// <returns>[batch] in float64.</returns>
    public Tensor LogDensity(Tensor x, NoiseLevel level)
    {
        using var scope = NewDisposeScope();
        return Terms(x, level).LogJoint.logsumexp(1).MoveToOuterDisposeScope();
    }

    /// <summary>E[x₀ | x_t = x], exact; differentiable. Computed in float64 and returned in the type of x.</summary>
    /// <inheritdoc cref="LogDensity" path="/param"/>
    public Tensor PosteriorMean(Tensor x, NoiseLevel level)
    {
        ArgumentNullException.ThrowIfNull(x);
        using var scope = NewDisposeScope();
        var (flat, joint, means, variances, total) = Terms(x, level);
        var responsibility = joint.softmax(1).unsqueeze(2); // [batch, K, 1]
        var gain = variances * level.Alpha / total; // [K, D]
        var perComponent = means + gain * (flat.unsqueeze(1) - means * level.Alpha); // [batch, K, D]
        return (responsibility * perComponent).sum(1).view(x.shape).to(x.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// E‖E[x₀ | x_t] − x₀‖²/D, the least mean squared error a number that any estimate of x₀ can have at a level: the mean of the exact posterior variance over
    /// drawn x_t. Exact for one Gaussian, whose posterior variance is the same everywhere.
    /// </summary>
    /// <param name="level">The noise level.</param>
    /// <param name="noise">Where random numbers come from.</param>
    /// <param name="count">How many x_t to draw, at least 1; the relative error falls with its square root.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is less than 1.</exception>
    public double LeastError(NoiseLevel level, NoiseSource noise, long count = 4096)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentNullException.ThrowIfNull(noise);
        if (level.IsClean) return 0;
        using var scope = NewDisposeScope();
        var data = Sample(count, noise, ScalarType.Float64);
        var x = data * level.Alpha + noise.NextLike(data) * level.Sigma;
        var (flat, joint, means, variances, total) = Terms(x, level);
        var responsibility = joint.softmax(1).unsqueeze(2); // [count, K, 1]
        var perComponent = means + variances * level.Alpha / total * (flat.unsqueeze(1) - means * level.Alpha);
        var mean = (responsibility * perComponent).sum(1, keepdim: true);
        var spread = variances * (level.Sigma * level.Sigma) / total + (perComponent - mean).square(); // within components and between them
        return (responsibility * spread).sum(1).mean().item<double>();
    }

    private (Tensor Flat, Tensor LogJoint, Tensor Means, Tensor Variances, Tensor Total) Terms(Tensor x, NoiseLevel level)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() < 1 || x.numel() != x.shape[0] * Dimensions)
            throw new ArgumentException($"x has shape [{string.Join(", ", x.shape)}]; this mixture needs {Dimensions} numbers a sample.", nameof(x));
        var flat = x.to(float64).reshape(x.shape[0], Dimensions);
        var means = tensor(_means, float64, x.device);
        var variances = tensor(_deviations, float64, x.device).square().expand(Components, Dimensions);
        var total = variances * (level.Alpha * level.Alpha) + level.Sigma * level.Sigma; // variance of x_t in each component
        var difference = flat.unsqueeze(1) - means * level.Alpha;
        var exponent = (difference.square() / total + total.log() + Math.Log(2 * Math.PI)).sum(2).mul(-0.5);
        var joint = exponent + tensor(Array.ConvertAll(_weights, Math.Log), float64, x.device);
        return (flat, joint, means, variances, total);
    }
}
