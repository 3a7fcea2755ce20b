namespace Diffusion.Tests.Training;

/// <summary>The exact noise estimate for N(0, deviation²) on variance-preserving states, told ln(σ/α); differentiable in state and label.</summary>
internal sealed class ExactNoiseNetwork(double deviation) : DenoisingNetwork("ExactNoise")
{
    public override Tensor forward(Tensor input1, Tensor input2, Conditioning? input3)
    {
        using var scope = NewDisposeScope();
        var gamma = (2 * input2).view([input2.shape[0], .. Enumerable.Repeat(1L, (int)input1.dim() - 1)]);
        var power = gamma.neg().sigmoid() * (deviation * deviation) + gamma.sigmoid();
        return (input1 * gamma.sigmoid().sqrt() / power).MoveToOuterDisposeScope();
    }
}
