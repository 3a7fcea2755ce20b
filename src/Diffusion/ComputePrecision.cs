namespace Diffusion;

/// <summary>The type that a network's arithmetic is done in. Parameters, inputs, outputs, losses and everything in checkpoints are float32 in either case.</summary>
public enum ComputePrecision
{
    /// <summary>The type of the parameters.</summary>
    Float32,

    /// <summary>
    /// Convolutions and matrix products in bfloat16, with sums in float32: about twice the speed on processors that have it (AVX-512 BF16, AMX, recent
    /// GPUs) and slower on others. Norms and softmax keep float32 inside.
    /// </summary>
    BFloat16,
}
