namespace Diffusion.Schedules;

/// <summary>The timestep of a discrete schedule with a level's σ/α, whatever schedule the level belongs to.</summary>
internal sealed class TrainedTimestepLabel(DiscreteSchedule schedule, bool nearest) : NoiseLabel
{
    public override string Name => nearest ? "nearest trained timestep" : "trained timestep";

    public override double At(NoiseLevel level)
    {
        var sigma = level.NoiseToSignal;
        if (nearest) return schedule.NearestTimestep(sigma);
        if (sigma <= schedule.AtTimestep(0).NoiseToSignal) return 0;
        return sigma >= schedule.At(1).NoiseToSignal ? schedule.TrainingSteps - 1 : schedule.TimestepAt(sigma);
    }
}
