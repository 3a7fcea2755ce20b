using TorchSharp.Modules;

namespace Diffusion.Tests.Training;

/// <summary>F = dropout(w·x), whose gradient follows from libtorch's default generator.</summary>
internal sealed class DropoutNetwork : DenoisingNetwork
{
    public readonly Parameter w;

    public DropoutNetwork() : base("Dropout")
    {
        w = nn.Parameter(full(2, 0.5f));
        w.DetachFromDisposeScope();
        RegisterComponents();
    }

    public override Tensor forward(Tensor input1, Tensor input2, Conditioning? input3)
    {
        using var scope = NewDisposeScope();
        return nn.functional.dropout(input1 * w, 0.5, training).MoveToOuterDisposeScope();
    }
}
