namespace Diffusion.Samplers;

/// <summary>One stretch that <see cref="RestartSampler"/> walks again: from σ/α = min back up to max by fresh noise, and down again in a number of steps, some times.</summary>
public sealed class RestartInterval
{
    /// <summary>A stretch.</summary>
    /// <param name="sigmaMin">t_min, σ/α where it ends; the level of the grid that is nearest to it is taken. Positive.</param>
    /// <param name="sigmaMax">t_max, σ/α where it begins; above <paramref name="sigmaMin"/>, finite, and reached by the schedule.</param>
    /// <param name="steps">Steps of each walk down, at least 1, on the ρ ramp. (The published code counts levels: one more.)</param>
    /// <param name="repeats">K, how many times, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public RestartInterval(double sigmaMin, double sigmaMax, int steps, int repeats = 1)
    {
        if (!(sigmaMin > 0) || !double.IsFinite(sigmaMin)) throw new ArgumentOutOfRangeException(nameof(sigmaMin), sigmaMin, "The lower end must be positive and finite.");
        if (!(sigmaMax > sigmaMin) || !double.IsFinite(sigmaMax)) throw new ArgumentOutOfRangeException(nameof(sigmaMax), sigmaMax, $"The upper end must be finite and above the lower end, {sigmaMin}.");
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(repeats, 1);
        (SigmaMin, SigmaMax, Steps, Repeats) = (sigmaMin, sigmaMax, steps, repeats);
    }

    /// <summary>t_min.</summary>
    public double SigmaMin { get; }

    /// <summary>t_max.</summary>
    public double SigmaMax { get; }

    /// <summary>Steps of each walk down.</summary>
    public int Steps { get; }

    /// <summary>K.</summary>
    public int Repeats { get; }
}
