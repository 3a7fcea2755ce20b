using TorchSharp.Modules;

namespace Diffusion.Tests.Training;

/// <summary>F = w·x, and not a number in one of its calls.</summary>
internal sealed class FailingNetwork : DenoisingNetwork
{
    private readonly int _failAt;
    private int _calls;

    public readonly Parameter w;

    public FailingNetwork(int failAt) : base("Failing")
    {
        _failAt = failAt;
        w = nn.Parameter(ones(1));
        w.DetachFromDisposeScope();
        RegisterComponents();
    }

    public override Tensor forward(Tensor input1, Tensor input2, Conditioning? input3)
    {
        using var scope = NewDisposeScope();
        return (input1 * w * (_calls++ == _failAt ? double.NaN : 1)).MoveToOuterDisposeScope();
    }
}
