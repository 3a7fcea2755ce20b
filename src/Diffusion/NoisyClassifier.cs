namespace Diffusion;

/// <summary>
/// A classifier of noisy states: a network that maps (scaled state, noise label) to logits, and how its input is scaled and labelled. What classifier guidance differentiates. Borrows the network; immutable.
/// </summary>
/// <param name="network">Maps In·x [batch, …] and a label [batch] to logits [batch, classes]; <c>NoisyImageClassifier</c> in Networks is one. Borrowed; put it into evaluation mode.</param>
/// <param name="inputs">Its In and Label are the network's input, as for a denoising network; those that it was trained with.</param>
public sealed class NoisyClassifier(DenoisingNetwork network, Parameterization inputs)
{
    private readonly DenoisingNetwork _network = network ?? throw new ArgumentNullException(nameof(network));
    private readonly Parameterization _inputs = inputs ?? throw new ArgumentNullException(nameof(inputs));

    /// <summary>The logits of each class. Differentiable in x.</summary>
    /// <param name="x">States [batch, …]; borrowed.</param>
    /// <param name="at">Their level.</param>
    /// <returns>[batch, classes], fresh.</returns>
    /// <exception cref="InvalidOperationException">The network returns something else.</exception>
    public Tensor Logits(Tensor x, NoisePoint at)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() < 1 || !x.is_floating_point()) throw new ArgumentException($"The state is {x.dtype} of shape [{string.Join(", ", x.shape)}]; a floating tensor [batch, …] is needed.", nameof(x));
        using var scope = NewDisposeScope();
        var scalings = _inputs.At(at.Level);
        var label = full(x.shape[0], at.Label ?? scalings.Label, x.dtype, x.device);
        var logits = _network.call(scalings.In == 1 ? x : x.mul(scalings.In), label, null);
        if (logits.dim() != 2 || logits.shape[0] != x.shape[0])
            throw new InvalidOperationException($"The network returned [{string.Join(", ", logits.shape)}] for {x.shape[0]} states; logits [batch, classes] are needed.");
        return logits.MoveToOuterDisposeScope();
    }

    /// <summary>ln p(y | x_t = x) of each sample. Differentiable in x.</summary>
    /// <param name="x">States [batch, …]; borrowed.</param>
    /// <param name="at">Their level.</param>
    /// <param name="labels">y, int64 [batch], below the number of classes.</param>
    /// <returns>[batch], fresh.</returns>
    /// <exception cref="ArgumentException">There are not as many labels as states.</exception>
    public Tensor LogProbability(Tensor x, NoisePoint at, Tensor labels)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(labels);
        if (labels.dtype != ScalarType.Int64 || labels.dim() != 1 || x.dim() < 1 || labels.shape[0] != x.shape[0])
            throw new ArgumentException($"The labels are {labels.dtype} of shape [{string.Join(", ", labels.shape)}], the states [{string.Join(", ", x.shape)}]; one Int64 label a state is needed.", nameof(labels));
        using var scope = NewDisposeScope();
        var logits = Logits(x, at);
        return logits.log_softmax(1).gather(1, labels.unsqueeze(1)).squeeze(1).MoveToOuterDisposeScope();
    }

    /// <summary>ln p(y | x_t) for given labels, as classifier guidance takes it.</summary>
    /// <param name="labels">y, int64 [batch], below the number of classes; borrowed.</param>
    public Func<Tensor, NoisePoint, Tensor> ForLabels(Tensor labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        return (x, at) => LogProbability(x, at, labels);
    }
}
