namespace Diffusion.Schedules;

/// <summary>The straight path α = 1 − t, σ = t of rectified flow and flow matching. (Liu et al. 2022; Lipman et al. 2022)</summary>
/// <remarks>At t = 1 nothing of the data is left (α = 0): predict v, the velocity or the data there, not ε. The noise need not be Gaussian for the flow itself.</remarks>
public sealed class RectifiedFlowSchedule : NoiseSchedule
{
    /// <inheritdoc/>
    public override NoiseLevel At(double time)
    {
        CheckTime(time);
        return new NoiseLevel(time, 1 - time, time, -1, 1);
    }

    /// <inheritdoc/>
    public override double TimeAtLogSnr(double logSnr) =>
        double.IsNaN(logSnr) ? throw Unreached(logSnr) : 1 / (1 + Math.Exp(logSnr / 2)); // σ/α = t/(1 − t)
}
