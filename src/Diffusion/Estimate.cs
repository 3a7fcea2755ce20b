namespace Diffusion;

/// <summary>What a denoiser knows at one level. Its tensors belong to the scope of whoever asked.</summary>
/// <param name="data">x̂₀, of the shape of the state.</param>
/// <param name="noise">ε̂ where it is not (x − αx̂₀)/σ; else null.</param>
/// <param name="varianceOutput">The raw variance output of the network; else null.</param>
public sealed class Estimate(Tensor data, Tensor? noise = null, Tensor? varianceOutput = null)
{
    /// <summary>x̂₀ = E[x₀ | x_t = x].</summary>
    public Tensor Data { get; } = data ?? throw new ArgumentNullException(nameof(data));

    /// <summary>ε̂ where it differs from (x − αx̂₀)/σ: clipped data that moves along the raw noise, CFG++, …; null means derived.</summary>
    public Tensor? Noise { get; } = noise;

    /// <summary>The network's raw output for the reverse variance (Nichol and Dhariwal 2021); the sampler's setting says what it means.</summary>
    public Tensor? VarianceOutput { get; } = varianceOutput;

    /// <summary>
    /// data·x̂₀ + noise·ε̂ in as few passes as possible: the one operation that most samplers consist of. Where ε̂ is derived it is
    /// folded into the factors of x and x̂₀ and never formed.
    /// </summary>
    /// <param name="x">The state that the estimate was made from.</param>
    /// <param name="level">The level of that state.</param>
    /// <param name="data">Factor of x̂₀.</param>
    /// <param name="noise">Factor of ε̂.</param>
    /// <returns>A fresh tensor.</returns>
    /// <exception cref="ArgumentException">x has another shape than the estimate or is not floating or lies elsewhere, or ε̂ is needed but the level holds no noise (σ = 0).</exception>
    public Tensor Mix(Tensor x, NoiseLevel level, double data, double noise)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (!x.shape.AsSpan().SequenceEqual(Data.shape))
            throw new ArgumentException($"x has shape [{string.Join(", ", x.shape)}], the estimate [{string.Join(", ", Data.shape)}]; the state that the estimate was made from is needed.", nameof(x));
        if (!x.is_floating_point() || x.device_type != Data.device_type)
            throw new ArgumentException($"x is {x.dtype} on {x.device}; a real floating type on the device of the estimate ({Data.device}) is needed.", nameof(x));
        if (noise == 0) return data == 1 ? Data.alias() : Data.mul(data);
        if (Noise is not null) return Combine(data, Data, noise, Noise);
        if (level.Sigma == 0)
            throw new ArgumentException("The noise in a clean state (σ = 0) is not defined; a step must start from a noisy level.", nameof(level));
        return Combine(data - noise * level.Alpha / level.Sigma, Data, noise / level.Sigma, x);
    }

    /// <summary>ε̂ as a fresh tensor.</summary>
    /// <inheritdoc cref="Mix" path="/param[@name='x']|/param[@name='level']|/exception"/>
    public Tensor NoiseAt(Tensor x, NoiseLevel level) => Mix(x, level, 0, 1);

    /// <summary>∇ln p_t(x) = −ε̂/σ as a fresh tensor. Only for Gaussian noise.</summary>
    /// <inheritdoc cref="Mix" path="/param[@name='x']|/param[@name='level']|/exception"/>
    public Tensor ScoreAt(Tensor x, NoiseLevel level) => Mix(x, level, 0, -1 / level.Sigma);

    /// <summary>The velocity u = α̇x̂₀ + σ̇ε̂ of the flow dx = u dt as a fresh tensor.</summary>
    /// <inheritdoc cref="Mix" path="/param[@name='x']|/param[@name='level']|/exception"/>
    public Tensor VelocityAt(Tensor x, NoiseLevel level) => Mix(x, level, level.AlphaDot, level.SigmaDot);

    /// <summary>Hands the tensors from the current scope to the one outside it, as a tensor's method of that name does.</summary>
    /// <returns>This estimate.</returns>
    public Estimate MoveToOuterDisposeScope()
    {
        Data.MoveToOuterDisposeScope();
        Noise?.MoveToOuterDisposeScope();
        VarianceOutput?.MoveToOuterDisposeScope();
        return this;
    }

    /// <summary>a·x + b·y as a fresh tensor in two passes.</summary>
    internal static Tensor Combine(double a, Tensor x, double b, Tensor y)
    {
        if (a == 0) return y.mul(b);
        if (b == 0) return x.mul(a);
        return x.mul(a).add_(y, alpha: b); // in place on the fresh product only
    }
}
