using TorchSharp.Modules;

namespace Diffusion.Tests.Training;

/// <summary>Two channels for one: w·x + c for the mean, and a variance output that is one parameter everywhere.</summary>
internal sealed class TwoHeadNetwork : DenoisingNetwork
{
    public readonly Parameter w;
    public readonly Parameter v;

    public TwoHeadNetwork(double weight, double variance) : base("TwoHead")
    {
        w = (Parameter)nn.Parameter(tensor(weight, float64)).DetachFromDisposeScope();
        v = (Parameter)nn.Parameter(tensor(variance, float64)).DetachFromDisposeScope();
        RegisterComponents();
    }

    public override Tensor forward(Tensor input1, Tensor input2, Conditioning? input3)
    {
        using var scope = NewDisposeScope();
        return cat([input1 * w, v.expand_as(input1) + 0.1 * input1], 1).MoveToOuterDisposeScope();
    }
}
