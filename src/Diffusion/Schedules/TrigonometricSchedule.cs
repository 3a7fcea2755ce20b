namespace Diffusion.Schedules;

/// <summary>The quarter circle at constant speed: α = cos(½πt), σ = sin(½πt). (Albergo and Vanden-Eijnden 2023; Lu and Song 2025, "TrigFlow")</summary>
/// <remarks>At t = 1 nothing of the data is left (α = 0): predict v, the velocity or the data there, not ε. v and the velocity differ by the factor ½π only.</remarks>
public sealed class TrigonometricSchedule : NoiseSchedule
{
    /// <inheritdoc/>
    public override NoiseLevel At(double time)
    {
        CheckTime(time);
        // From the nearer end, so that what vanishes there is exact.
        var (alpha, sigma) = time <= 0.5
            ? (Math.Cos(Math.PI / 2 * time), Math.Sin(Math.PI / 2 * time))
            : (Math.Sin(Math.PI / 2 * (1 - time)), Math.Cos(Math.PI / 2 * (1 - time)));
        return new NoiseLevel(time, alpha, sigma, -Math.PI / 2 * sigma, Math.PI / 2 * alpha);
    }

    /// <inheritdoc/>
    public override double TimeAtLogSnr(double logSnr)
    {
        if (double.IsNaN(logSnr)) throw Unreached(logSnr);
        return logSnr >= 0 ? Math.Atan(Math.Exp(-logSnr / 2)) / (Math.PI / 2) : 1 - Math.Atan(Math.Exp(logSnr / 2)) / (Math.PI / 2);
    }
}
