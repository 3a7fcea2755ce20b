using Diffusion.Data;

namespace Diffusion.Training;

/// <summary>The numbers of one training step, on the device until they are read. Owns their tensors.</summary>
internal sealed class StepNumbers(long step, LoaderPosition position) : IDisposable
{
    private readonly List<(Tensor Loss, Tensor? PerSample, IReadOnlyList<NoiseLevel>? Levels)> _parts = [];

    public long Step => step;

    /// <summary>Where the loader stood when the step began.</summary>
    public LoaderPosition Position => position;

    /// <summary>The norm of the gradient; null until the step has ended.</summary>
    public Tensor? Norm { get; private set; }

    public void Add(LossTerms terms) => _parts.Add((
        terms.Loss.detach().DetachFromDisposeScope(), terms.Levels is null ? null : terms.PerSample?.detach().DetachFromDisposeScope(), terms.Levels));

    public void End(Tensor norm)
    {
        using var gradients = no_grad();
        Norm = norm.clone().DetachFromDisposeScope();
    }

    /// <summary>The mean loss of the parts and the norm. Waits for the device.</summary>
    public (double Loss, double Norm) Read()
    {
        using var scope = NewDisposeScope();
        var sum = 0.0;
        foreach (var (loss, _, _) in _parts) sum += loss.to(float64).item<double>();
        return (sum / _parts.Count, Norm!.to(float64).item<double>());
    }

    /// <summary>Adds the loss of each sample to the bucket of its level.</summary>
    public void ReadSamples(LossBuckets buckets)
    {
        using var scope = NewDisposeScope();
        foreach (var (_, perSample, levels) in _parts)
            if (perSample is not null && levels is not null) buckets.Add(levels, perSample.to(float64).cpu().data<double>().ToArray());
    }

    public void Dispose()
    {
        foreach (var (loss, perSample, _) in _parts)
        {
            loss.Dispose();
            perSample?.Dispose();
        }

        Norm?.Dispose();
    }
}
