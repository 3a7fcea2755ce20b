using TorchSharp.Modules;

namespace Diffusion.Tests.Training;

/// <summary>A layer that passes numbers on, and breaks where its test says so: in its output, or only in its gradient.</summary>
internal sealed class Breakable : nn.Module<Tensor, Tensor>
{
    public readonly Parameter scale;

    public Breakable() : base("Breakable")
    {
        scale = nn.Parameter(ones(1));
        scale.DetachFromDisposeScope();
        RegisterComponents();
    }

    public Func<bool> OutputBreaks { get; set; } = static () => false;

    public Func<bool> GradientBreaks { get; set; } = static () => false;

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var output = input * scale;
        if (OutputBreaks()) output = output / 0.0;
        // √(0·s) is 0 with an infinite slope, and 0·∞ is not a number.
        if (GradientBreaks()) output = output + (scale * 0).sqrt();
        return output.MoveToOuterDisposeScope();
    }
}
