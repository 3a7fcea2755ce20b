namespace Diffusion.Data;

/// <summary>How a <see cref="DataLoader"/> goes through a set.</summary>
public sealed class DataLoaderOptions
{
    /// <summary>Whether each epoch has a new random order; otherwise every epoch is in the order of the set. Default true.</summary>
    public bool Shuffle { get; init; } = true;

    /// <summary>Whether samples that do not fill a last batch are left out of the epoch; otherwise the last batch is smaller. Default true.</summary>
    public bool DropLast { get; init; } = true;

    /// <summary>What the orders and the random transforms follow from. Default 0.</summary>
    public long Seed { get; init; }

    /// <summary>Which of several processes this one is, from 0. Default 0.</summary>
    public int Rank { get; init; }

    /// <summary>
    /// How many processes share the set. Together they read what one process would read with the batch size times their number:
    /// shards have nothing in common, cover the set and change each epoch. Default 1.
    /// </summary>
    public int WorldSize { get; init; } = 1;

    /// <summary>Changes applied to each batch, in order. Default none.</summary>
    public IReadOnlyList<DataTransform> Transforms { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = [];

    /// <summary>
    /// How many batches a background thread keeps ready; 0 reads on the caller's thread. What is returned does not depend on it. Default 2.
    /// </summary>
    public int Prefetch { get; init; } = 2;

    /// <summary>Where batches are put: null or the CPU leaves them there; a GPU is fed from pinned memory without waiting. Default null.</summary>
    public Device? Device { get; init; }
}
