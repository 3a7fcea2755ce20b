namespace Diffusion;

/// <summary>
/// A trainable function F(x, label, condition). It knows nothing of schedules, samplers or losses;
/// what its output means is said by a <see cref="Parameterization"/>.
/// </summary>
/// <remarks>
/// <c>forward(x, label, condition)</c> takes the scaled state [batch, …], the noise label [batch] in the type of x, and the
/// side information of the batch or null. It returns [batch, …] of the shape of x, or with twice the channels where the
/// network also predicts a variance. Arguments are borrowed; the result is fresh and belongs to the caller's scope.
/// Every tensor or module field becomes a key of the state dictionary: renaming one breaks checkpoints.
/// </remarks>
/// <param name="name">The module's name, used in messages.</param>
/// <exception cref="InvalidOperationException">The application brought no libtorch; the message names the packages to add.</exception>
public abstract class DenoisingNetwork(string name) : nn.Module<Tensor, Tensor, Conditioning?, Tensor>(TorchBackend.Checked(name))
{
    /// <summary>Makes a network of a plain module that maps (x, label) to F and takes no condition.</summary>
    /// <param name="module">The module. Its parameters keep their names; disposing the wrapper disposes it.</param>
    /// <exception cref="ArgumentNullException"><paramref name="module"/> is null.</exception>
    public static DenoisingNetwork Wrap(nn.Module<Tensor, Tensor, Tensor> module) => new WrappedNetwork(module);

    /// <summary>
    /// This network as one that computes in another precision, for sampling faster or training by hand (a training run has a setting for it). Takes and
    /// returns float32, and gradients reach the same parameters.
    /// </summary>
    /// <param name="precision">What to compute in.</param>
    /// <returns>A view that borrows this network; it need not be disposed. For float32 the network itself.</returns>
    /// <exception cref="ArgumentException">A parameter is not float32.</exception>
    /// <exception cref="InvalidOperationException">This libtorch does not let bfloat16 be switched on.</exception>
    public DenoisingNetwork Computing(ComputePrecision precision) => precision switch
    {
        ComputePrecision.Float32 => this,
        ComputePrecision.BFloat16 => new BFloat16Network(this, Autocast.Instance),
        _ => throw new ArgumentOutOfRangeException(nameof(precision), precision, "Not a precision."),
    };
}
