using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>
/// A network whose output is the negative gradient of an energy: F = −∂E/∂x, where E is the sum of what an inner network answers. As a score (<see cref="Parameterization.Score"/>) it is
/// that of the density e^{−E}, and circulates nowhere. It costs an evaluation and a derivative; training takes the derivative of that.
/// </summary>
/// <remarks>The inner network's answer may have any shape that begins with the batch. Every operation in it must have a second derivative. Owns the inner network.</remarks>
public sealed class EnergyNetwork : DenoisingNetwork
{
    [ComponentName(Name = "energy")]
    private readonly DenoisingNetwork _energy;

    /// <summary>The gradient of a network.</summary>
    /// <param name="energy">The network whose summed answer is the energy; disposed of with this one.</param>
    public EnergyNetwork(DenoisingNetwork energy) : base(nameof(EnergyNetwork))
    {
        ArgumentNullException.ThrowIfNull(energy);
        _energy = energy;
        RegisterComponents();
    }

    /// <summary>E of each sample, up to a constant: minus the logarithm of the density where F is a score.</summary>
    /// <param name="x">The scaled state [batch, …]; borrowed.</param>
    /// <param name="label">The noise label [batch].</param>
    /// <param name="condition">The side information of the batch, or null.</param>
    /// <returns>[batch], fresh in the caller's scope.</returns>
    /// <exception cref="ArgumentException">The state is not a floating batch.</exception>
    public Tensor Energy(Tensor x, Tensor label, Conditioning? condition = null)
    {
        ArgumentNullException.ThrowIfNull(label);
        Check(x);
        using var scope = NewDisposeScope();
        return Summed(x, label, condition).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The state is not a floating batch.</exception>
    /// <exception cref="InvalidOperationException">The inner network's answer does not depend on the state, or has no derivative.</exception>
    public override Tensor forward(Tensor x, Tensor label, Conditioning? condition)
    {
        ArgumentNullException.ThrowIfNull(label);
        Check(x);
        var differentiable = is_grad_enabled();
        using var gradients = enable_grad();
        using var scope = NewDisposeScope();
        var state = differentiable && x.requires_grad ? x : x.detach().requires_grad_();
        var slope = Differentiation.Gradient(Summed(state, label, condition), state, differentiable: differentiable);
        return (differentiable ? slope.neg() : slope.detach().neg()).MoveToOuterDisposeScope();
    }

    private static void Check(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() < 1 || !x.is_floating_point())
            throw new ArgumentException($"The state is {x.dtype} of shape [{string.Join(", ", x.shape)}]; a floating tensor [batch, …] is needed.", nameof(x));
    }

    private Tensor Summed(Tensor x, Tensor label, Conditioning? condition)
    {
        var answer = _energy.call(x, label, condition);
        if (answer.dim() == 0 || answer.shape[0] != x.shape[0])
            throw new InvalidOperationException($"The energy has shape [{string.Join(", ", answer.shape)}] for a batch of {x.shape[0]}; it must begin with the batch.");
        return answer.dim() == 1 ? answer.alias() : answer.flatten(1).sum(1);
    }
}
