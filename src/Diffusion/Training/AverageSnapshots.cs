namespace Diffusion.Training;

/// <summary>
/// Stores the power-function averages of a run at regular steps, so that an average of any width can be made up after training by
/// <see cref="PostHocAverages"/>. Each takes as much disk as the weights. Immutable.
/// </summary>
public sealed class AverageSnapshots
{
    /// <summary>Where, and how often.</summary>
    /// <param name="folder">The folder; made if it is not there. One run a folder.</param>
    /// <param name="every">Steps between two, at least 1; one is stored at the end too. 20 to 100 in a whole run are usual.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="every"/> is less than 1.</exception>
    public AverageSnapshots(string folder, int every)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentOutOfRangeException.ThrowIfLessThan(every, 1);
        (Folder, Every) = (folder, every);
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>Steps between two.</summary>
    public int Every { get; }
}
