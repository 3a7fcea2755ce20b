namespace Diffusion.Evaluation;

/// <summary>What <see cref="FlowLikelihood"/> found. The tensors belong to the scope of whoever asked.</summary>
public sealed class FlowDensity
{
    internal FlowDensity(Tensor logDensity, Tensor latent, int evaluations) => (LogDensity, Latent, Evaluations) = (logDensity, latent, evaluations);

    /// <summary>ln p(x₀) of each sample in nats, [batch] in float64.</summary>
    public Tensor LogDensity { get; }

    /// <summary>The state at the noisy end that the flow takes each sample to, of the shape and type of the data.</summary>
    public Tensor Latent { get; }

    /// <summary>Evaluations of the denoiser.</summary>
    public int Evaluations { get; }
}
