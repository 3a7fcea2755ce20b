namespace Diffusion.Dynamics;

/// <summary>Makes the score functions that Langevin dynamics runs on.</summary>
public static class ScoreFunctions
{
    /// <summary>The score of the data blurred to a level: ∇ln p_t(x) = −ε̂/σ of a denoiser there.</summary>
    /// <param name="denoiser">The denoiser; borrowed by the function.</param>
    /// <param name="level">The level, with noise.</param>
    /// <exception cref="ArgumentException">The level is clean.</exception>
    public static Func<Tensor, Tensor> OfDenoiser(IDenoiser denoiser, NoiseLevel level)
    {
        ArgumentNullException.ThrowIfNull(denoiser);
        if (level.IsClean) throw new ArgumentException("A denoiser knows no score of clean data (σ = 0); give a level with a little noise.", nameof(level));
        return x =>
        {
            using var scope = NewDisposeScope();
            return denoiser.Denoise(x, level).ScoreAt(x, level).MoveToOuterDisposeScope();
        };
    }

    /// <summary>The score of a density that is given by its logarithm, by automatic differentiation.</summary>
    /// <param name="logDensity">ln p up to a constant: borrows [batch, …], returns [batch], differentiable.</param>
    public static Func<Tensor, Tensor> OfDensity(Func<Tensor, Tensor> logDensity)
    {
        ArgumentNullException.ThrowIfNull(logDensity);
        return x =>
        {
            using var scope = NewDisposeScope();
            return Gradient(logDensity, x).Score.MoveToOuterDisposeScope();
        };
    }

    /// <summary>∇ln p(x) + w·∇ln p(y | x): the posterior with its likelihood at the temperature 1/w.</summary>
    /// <param name="prior">∇ln p(x).</param>
    /// <param name="likelihood">∇ln p(y | x), differentiated in x.</param>
    /// <param name="weight">w, finite; above 1 condition and prior are no longer balanced, and the samples gather where the condition is most certain.</param>
    public static Func<Tensor, Tensor> Posterior(Func<Tensor, Tensor> prior, Func<Tensor, Tensor> likelihood, double weight = 1)
    {
        ArgumentNullException.ThrowIfNull(prior);
        ArgumentNullException.ThrowIfNull(likelihood);
        if (!double.IsFinite(weight)) throw new ArgumentOutOfRangeException(nameof(weight), weight, "The weight of the likelihood must be finite.");
        return x =>
        {
            using var scope = NewDisposeScope();
            return prior(x).add(likelihood(x), alpha: weight).MoveToOuterDisposeScope();
        };
    }

    /// <summary>ln p and its gradient, detached, in the caller's scope.</summary>
    internal static (Tensor LogDensity, Tensor Score) Gradient(Func<Tensor, Tensor> logDensity, Tensor x)
    {
        using var gradients = enable_grad();
        using var scope = NewDisposeScope();
        var point = x.detach().requires_grad_();
        var value = logDensity(point);
        if (value.dim() != 1 || value.shape[0] != x.shape[0])
            throw new InvalidOperationException($"The log-density returned [{string.Join(", ", value.shape)}]; one number a sample, [{x.shape[0]}], is needed.");
        var score = Differentiation.Gradient(value, point);
        return (value.detach().MoveToOuterDisposeScope(), score.MoveToOuterDisposeScope());
    }
}
