namespace Diffusion.Samplers;

/// <summary>Where a solver that chooses its own steps starts and ends: the two ends of a grid that have a finite log-SNR.</summary>
/// <param name="Start">The grid's first point.</param>
/// <param name="End">The grid's end or, where that is clean, its last noisy point.</param>
internal readonly record struct LogSnrEnds(NoisePoint Start, NoisePoint End)
{
    /// <summary>The ends of a grid.</summary>
    /// <exception cref="ArgumentException">An end is pure noise.</exception>
    public static LogSnrEnds Of(TimeGrid grid)
    {
        var last = grid[^1];
        var ends = new LogSnrEnds(grid[0].At, last.To.IsClean ? last.At : new NoisePoint(last.To, last.ToLabel));
        if (ends.Start.Level.Alpha == 0 || ends.End.Level.Alpha == 0)
            throw new ArgumentException("This solver steps in log-SNR, which is infinite on pure noise (α = 0); start the grid below that, for example at t = 0.999.", nameof(grid));
        if (!(ends.End.Level.LogSnr > ends.Start.Level.LogSnr))
            throw new ArgumentException($"This solver runs from noise to data; the grid's noisy levels run from log-SNR {ends.Start.Level.LogSnr:g6} to {ends.End.Level.LogSnr:g6}.", nameof(grid));
        return ends;
    }
}
