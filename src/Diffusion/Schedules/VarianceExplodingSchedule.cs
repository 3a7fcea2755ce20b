namespace Diffusion.Schedules;

/// <summary>
/// The variance-exploding process: α = 1 and σ(t) = σ_min·(σ_max/σ_min)^t, the geometric ladder of noise-conditional score networks in continuous time. (Song et al.
/// 2021, eq. 31)
/// </summary>
/// <remarks>
/// The data has noise of σ_min already at t = 0. A uniform time grid is the geometric ladder. The process that Song et al. integrate starts without that
/// noise, with variance σ² − σ_min²; the published models are trained and sampled with σ.
/// </remarks>
public sealed class VarianceExplodingSchedule : NoiseSchedule
{
    private readonly double _logRatio;

    /// <summary>The process between two levels.</summary>
    /// <param name="sigmaMin">σ at t = 0, positive; 0.01 in the paper.</param>
    /// <param name="sigmaMax">σ at t = 1, above <paramref name="sigmaMin"/>; 50 in the paper, or the greatest distance between two data points.</param>
    /// <exception cref="ArgumentOutOfRangeException">A level is out of its range.</exception>
    public VarianceExplodingSchedule(double sigmaMin = 0.01, double sigmaMax = 50)
    {
        SigmaRange.Check(sigmaMin, sigmaMax);
        SigmaMin = sigmaMin;
        SigmaMax = sigmaMax;
        _logRatio = Math.Log(sigmaMax / sigmaMin);
    }

    /// <summary>σ at t = 0.</summary>
    public double SigmaMin { get; }

    /// <summary>σ at t = 1.</summary>
    public double SigmaMax { get; }

    /// <inheritdoc/>
    public override NoiseLevel At(double time)
    {
        CheckTime(time);
        var sigma = time == 1 ? SigmaMax : SigmaMin * Math.Exp(_logRatio * time);
        return new NoiseLevel(time, 1, sigma, 0, sigma * _logRatio);
    }

    /// <inheritdoc/>
    public override double TimeAtLogSnr(double logSnr) =>
        SigmaRange.Inside((-logSnr / 2 - Math.Log(SigmaMin)) / _logRatio) ?? throw Unreached(logSnr);
}
