namespace Diffusion.Training;

/// <summary>
/// What training minimises. Settings only: immutable and thread-safe, apart from the parameters of <see cref="Module"/> where an objective
/// learns some itself.
/// </summary>
public abstract class TrainingObjective
{
    /// <summary>The loss of one batch, differentiable in the parameters of the network.</summary>
    /// <param name="network">F; borrowed.</param>
    /// <param name="x0">The data [batch, …], float32 or float64; borrowed.</param>
    /// <param name="condition">Side information of the batch; null for none. Borrowed.</param>
    /// <param name="noise">Where times and noise come from; the same source state gives the same loss.</param>
    /// <returns>A scalar, fresh in the caller's scope.</returns>
    public abstract Tensor Loss(DenoisingNetwork network, Tensor x0, Conditioning? condition, NoiseSource noise);

    /// <summary>The loss with its parts, for objectives that have parts to report; by default the loss alone.</summary>
    /// <inheritdoc cref="Loss" path="/param"/>
    /// <returns>Fresh tensors in the caller's scope.</returns>
    public virtual LossTerms Terms(DenoisingNetwork network, Tensor x0, Conditioning? condition, NoiseSource noise) =>
        new(Loss(network, x0, condition, noise));

    /// <summary>A module of the objective's own whose parameters are trained and saved along with the network's (a learned weighting, a learned schedule); null for none.</summary>
    public virtual nn.Module? Module => null;
}
