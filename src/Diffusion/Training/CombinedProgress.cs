namespace Diffusion.Training;

/// <summary>Tells several listeners of each report, one after another on the thread that trains. Does not own them.</summary>
/// <param name="sinks">Who is told, in this order.</param>
public sealed class CombinedProgress(params IReadOnlyList<IProgress<TrainingProgress>> sinks) : IProgress<TrainingProgress>
{
    private readonly IProgress<TrainingProgress>[] _sinks = Checked(sinks);

    /// <inheritdoc/>
    public void Report(TrainingProgress value)
    {
        foreach (var sink in _sinks) sink.Report(value);
    }

    private static IProgress<TrainingProgress>[] Checked(IReadOnlyList<IProgress<TrainingProgress>> sinks)
    {
        ArgumentNullException.ThrowIfNull(sinks);
        return sinks.All(sink => sink is not null) ? [.. sinks] : throw new ArgumentException("One of the listeners is null.", nameof(sinks));
    }
}
