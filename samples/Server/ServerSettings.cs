namespace Server;

/// <summary>How much the server takes on.</summary>
/// <param name="Workers">Pictures that are drawn at the same time, each on a thread of its own.</param>
/// <param name="Queue">Requests that may wait.</param>
/// <param name="MaxCount">The most pictures of a request.</param>
/// <param name="MaxSteps">The most steps of a request.</param>
internal sealed record ServerSettings(int Workers, int Queue, int MaxCount, int MaxSteps)
{
    public int Workers { get; } = AtLeastOne(Workers, nameof(Workers));

    public int Queue { get; } = AtLeastOne(Queue, nameof(Queue));

    public int MaxCount { get; } = AtLeastOne(MaxCount, nameof(MaxCount));

    public int MaxSteps { get; } = AtLeastOne(MaxSteps, nameof(MaxSteps));

    /// <summary>Threads that libtorch computes with on behalf of each worker: together no more than there are cores.</summary>
    public int ThreadsPerWorker => Math.Max(1, Environment.ProcessorCount / Workers);

    private static int AtLeastOne(int value, string name) => value >= 1 ? value : throw new ArgumentOutOfRangeException(name, value, "The number must be at least 1.");
}
