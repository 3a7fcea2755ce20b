namespace Diffusion.Tests.Guidance;

/// <summary>A network of no weights whose output depends on state, class and label.</summary>
internal sealed class LabelledNetwork() : DenoisingNetwork("Labelled")
{
    public override Tensor forward(Tensor x, Tensor label, Conditioning? condition)
    {
        using var scope = NewDisposeScope();
        var shift = condition!.ClassLabels!.to(x.dtype).unsqueeze(1);
        return (x.sin() + shift * 0.3 + label.unsqueeze(1) * 1e-3).MoveToOuterDisposeScope();
    }
}
