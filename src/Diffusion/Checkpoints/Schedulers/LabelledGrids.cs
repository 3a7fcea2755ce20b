using Diffusion.Schedules;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>Grids whose labels are integer timesteps.</summary>
internal static class LabelledGrids
{
    /// <summary>A timestep as a point: its level, and itself as the label.</summary>
    public static NoisePoint Labelled(this DiscreteSchedule schedule, int timestep) => new(schedule.AtTimestep(timestep), timestep);

    /// <summary>The level of a timestep, or a given one before the first.</summary>
    public static NoiseLevel LevelOr(this DiscreteSchedule schedule, int timestep, NoiseLevel before) => timestep >= 0 ? schedule.AtTimestep(timestep) : before;

    /// <summary>The grid through timesteps, each step ending where the next begins.</summary>
    public static TimeGrid LabelledGrid(this DiscreteSchedule schedule, int[] timesteps, NoiseLevel? final = null) =>
        TimeGrid.FromPoints(schedule, Array.ConvertAll(timesteps, schedule.Labelled), final);
}
