using TorchSharp.Modules;

namespace Diffusion.Parity;

/// <summary>A module of one parameter: something to average.</summary>
internal sealed class OneWeight : nn.Module
{
    private readonly Parameter _weight;

    public OneWeight(Tensor value) : base(nameof(OneWeight))
    {
        _weight = new Parameter(value.clone().DetachFromDisposeScope());
        register_parameter("weight", _weight);
    }

    public void Set(Tensor value)
    {
        using var gradients = no_grad();
        _weight.copy_(value);
    }
}
