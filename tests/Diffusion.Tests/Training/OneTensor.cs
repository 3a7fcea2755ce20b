using TorchSharp.Modules;

namespace Diffusion.Tests.Training;

/// <summary>A module that is one parameter.</summary>
internal sealed class OneTensor : nn.Module<Tensor, Tensor>
{
    public readonly Parameter w;

    public OneTensor(Tensor value) : base("One")
    {
        w = nn.Parameter(value.clone());
        w.DetachFromDisposeScope();
        RegisterComponents();
    }

    public void Set(Tensor value)
    {
        using var gradients = no_grad();
        w.copy_(value);
    }

    public override Tensor forward(Tensor input) => input * w;
}
