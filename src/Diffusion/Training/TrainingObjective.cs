namespace Diffusion.Training;

/// <summary>
/// What training minimises. Settings only: immutable and thread-safe, apart from the parameters of <see cref="Module"/> where an objective
/// learns some itself.
/// </summary>
public abstract class TrainingObjective
{
    /// <summary>The loss of one batch, differentiable in the parameters of the network, with its parts where the objective has some to report.</summary>
    /// <param name="network">F; borrowed.</param>
    /// <param name="x0">The data [batch, …], float32 or float64; borrowed.</param>
    /// <param name="condition">Side information of the batch; null for none. Borrowed.</param>
    /// <param name="noise">Where times and noise come from; the same source state gives the same loss.</param>
    /// <returns>Fresh tensors in the caller's scope.</returns>
    public abstract LossTerms Terms(DenoisingNetwork network, Tensor x0, Conditioning? condition, NoiseSource noise);

    /// <summary>The loss of <see cref="Terms"/> alone.</summary>
    /// <inheritdoc cref="Terms" path="/param"/>
    /// <returns>A scalar, fresh in the caller's scope.</returns>
    public Tensor Loss(DenoisingNetwork network, Tensor x0, Conditioning? condition, NoiseSource noise)
    {
        using var scope = NewDisposeScope();
        return Terms(network, x0, condition, noise).Loss.MoveToOuterDisposeScope();
    }

    /// <summary>A module of the objective's own whose parameters are trained and saved along with the network's (a learned weighting, a learned schedule); null for none.</summary>
    public virtual nn.Module? Module => null;
}
