namespace Diffusion.Evaluation;

/// <summary>Plain figures about a set of samples: whether it varies as the data does, and whether it was copied from the data.</summary>
public static class SampleStatistics
{
    /// <summary>The variance of each number within a class, averaged over numbers and classes: near 0 when every sample of a class is its mean.</summary>
    /// <param name="samples">[N, …], floating.</param>
    /// <param name="labels">The class of each sample, int64 [N]; classes of fewer than 2 samples are left out.</param>
    /// <exception cref="ArgumentException">The shapes do not fit, or no class has 2 samples.</exception>
    public static double WithinClassVariance(Tensor samples, Tensor labels)
    {
        ArgumentNullException.ThrowIfNull(samples);
        ArgumentNullException.ThrowIfNull(labels);
        if (samples.dim() < 2 || labels.dim() != 1 || labels.shape[0] != samples.shape[0])
            throw new ArgumentException($"samples [{string.Join(", ", samples.shape)}] and labels [{string.Join(", ", labels.shape)}] do not fit: [N, …] and [N] are needed.", nameof(labels));
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var flat = samples.to(float64).flatten(1);
        var classes = labels.cpu().data<long>().ToArray().GroupBy(label => label).Where(group => group.Count() > 1).Select(group => group.Key).Order().ToArray();
        if (classes.Length == 0) throw new ArgumentException("No class has two samples, so there is no variance within a class.", nameof(labels));
        return classes.Average(label => flat[labels == label].var([0]).mean().item<double>());
    }

    /// <summary>The Euclidean distance of each sample to the nearest of a reference set.</summary>
    /// <param name="samples">[N, …], floating.</param>
    /// <param name="reference">[M, …] of the same shape a sample.</param>
    /// <returns>[N] in float32, a fresh tensor in the caller's scope.</returns>
    /// <exception cref="ArgumentException">The shapes do not fit, or a type is not floating.</exception>
    public static Tensor NearestDistances(Tensor samples, Tensor reference)
    {
        ArgumentNullException.ThrowIfNull(samples);
        ArgumentNullException.ThrowIfNull(reference);
        if (samples.dim() < 2 || reference.dim() != samples.dim() || !samples.shape.AsSpan(1).SequenceEqual(reference.shape.AsSpan(1)) || reference.shape[0] == 0)
            throw new ArgumentException($"samples [{string.Join(", ", samples.shape)}] and reference [{string.Join(", ", reference.shape)}] do not fit: [N, …] and [M, …] are needed.", nameof(reference));
        if (!samples.is_floating_point() || !reference.is_floating_point()) throw new ArgumentException($"samples is {samples.dtype}, reference {reference.dtype}; real floating types are needed.", nameof(reference));
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var target = reference.to(float32).flatten(1);
        var nearest = samples.to(float32).flatten(1).split(256, 0).Select(rows => cdist(rows, target).amin([1])).ToArray();
        return cat(nearest, 0).MoveToOuterDisposeScope();
    }
}
