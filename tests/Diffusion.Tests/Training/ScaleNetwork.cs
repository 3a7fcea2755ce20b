using TorchSharp.Modules;

namespace Diffusion.Tests.Training;

/// <summary>F = w·x + b·label + c with three parameters: small enough to differentiate by hand.</summary>
internal sealed class ScaleNetwork : DenoisingNetwork
{
    public readonly Parameter w;
    public readonly Parameter b;

    public ScaleNetwork(double weight = 0.5, double bias = 0.1, ScalarType dtype = ScalarType.Float64) : base("Scale")
    {
        w = nn.Parameter(tensor(weight, dtype));
        b = nn.Parameter(tensor(bias, dtype));
        w.DetachFromDisposeScope();
        b.DetachFromDisposeScope();
        RegisterComponents();
    }

    public Conditioning? LastCondition { get; private set; }

    public override Tensor forward(Tensor input1, Tensor input2, Conditioning? input3)
    {
        using var scope = NewDisposeScope();
        LastCondition = input3;
        return (input1 * w + b * input2.view([input2.shape[0], .. Enumerable.Repeat(1L, (int)input1.dim() - 1)])).MoveToOuterDisposeScope();
    }
}
