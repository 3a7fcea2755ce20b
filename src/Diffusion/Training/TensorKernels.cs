namespace Diffusion.Training;

/// <summary>
/// Arithmetic over many tensors at once, in place. Every entry exists twice: as one call into libtorch's fused kernels
/// (<see cref="FusedKernels"/>), and as a loop of TorchSharp's own operations where those cannot be reached (<see cref="LoopKernels"/>). All are
/// called without gradients.
/// </summary>
internal abstract class TensorKernels
{
    /// <summary>The fused kernels where they work, else the loops.</summary>
    public static TensorKernels Best => (TensorKernels?)FusedKernels.Instance ?? LoopKernels.Instance;

    /// <summary>The loops, for tests and for platforms without the fused ones.</summary>
    public static TensorKernels Loop => LoopKernels.Instance;

    /// <summary>√Σg² over all tensors as a scalar tensor, without waiting for the device.</summary>
    public abstract Tensor Norm(Tensor[] tensors);

    /// <summary>target ← target + weight·(source − target).</summary>
    public abstract void Lerp(Tensor[] targets, Tensor[] sources, double weight);

    /// <summary>
    /// One step of Adam: gradients are divided by <paramref name="divisor"/> if there is one; nothing changes where
    /// <paramref name="skip"/> is 1.
    /// </summary>
    public abstract void Adam(ParameterTensors p, AdamNumbers numbers, Tensor? divisor, Tensor skip);

    /// <summary>One step of gradient descent with momentum; see <see cref="Adam"/>.</summary>
    public abstract void Sgd(ParameterTensors p, SgdNumbers numbers, Tensor? divisor, Tensor skip);
}

/// <summary>What an update reads and writes, one entry a parameter. <see cref="Steps"/> counts the present step already.</summary>
internal readonly record struct ParameterTensors(Tensor[] Values, Tensor[] Gradients, Tensor[] First, Tensor[] Second, Tensor[] Steps);

/// <summary>The numbers of one Adam step. Decay is decoupled (AdamW) or added to the gradient (Adam).</summary>
internal readonly record struct AdamNumbers(double Rate, double Beta1, double Beta2, double Epsilon, double Decay, bool Decoupled);

/// <summary>The numbers of one step of gradient descent.</summary>
internal readonly record struct SgdNumbers(double Rate, double Momentum, double Decay, bool Nesterov);
