namespace Diffusion.Checkpoints.Schedulers;

/// <summary>
/// What a published scheduler class means in this library. One class or family of classes a file; listed in <see cref="SchedulerReaders"/>, and
/// nowhere else.
/// </summary>
internal abstract class SchedulerReader
{
    /// <summary>The classes that this reader understands.</summary>
    public abstract IReadOnlyList<string> ClassNames { get; }

    /// <summary>Arguments that runs of these classes take beside the number of steps.</summary>
    public virtual RunArguments Run => RunArguments.None;

    /// <summary>The same for one class of a family whose classes differ.</summary>
    public virtual RunArguments RunOf(string className) => Run;

    /// <summary>Arguments that steps of these classes take.</summary>
    public virtual StepArguments Step => StepArguments.None;

    /// <summary>Every argument of a class, as its constructor has them.</summary>
    public abstract IReadOnlyList<ConfigKey> KeysOf(string className);

    /// <summary>The plan.</summary>
    /// <param name="config">Its name and where it came from.</param>
    /// <param name="values">Every argument of the class.</param>
    /// <param name="step">Arguments of the steps; only those of <see cref="Step"/> are set.</param>
    /// <exception cref="InvalidDataException">Settings contradict each other.</exception>
    public abstract SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step);
}
