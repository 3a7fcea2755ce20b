using Diffusion.Denoisers;
using Diffusion.Schedules;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>
/// What a published scheduler configuration means: a schedule, a parameterization, a sampler and the grid of a run. With
/// <see cref="StepOptions.Quirks"/> it gives the numbers of the scheduler that the file names to the last digit, without them those of its method. Immutable and thread-safe.
/// </summary>
public sealed class SchedulerPlan
{
    private readonly Func<RunOptions, TimeGrid> _grid;

    /// <summary>The four parts of a plan.</summary>
    /// <param name="config">What is planned.</param>
    /// <param name="schedule">The schedule of the states.</param>
    /// <param name="parameterization">What the network's output means.</param>
    /// <param name="sampler">The method.</param>
    /// <param name="grid">Makes the grid of a run; its options are checked before.</param>
    internal SchedulerPlan(SchedulerConfig config, NoiseSchedule schedule, Parameterization parameterization, Sampler sampler, Func<RunOptions, TimeGrid> grid)
    {
        Config = config;
        Schedule = schedule;
        Parameterization = parameterization;
        Sampler = sampler;
        _grid = grid;
    }

    /// <summary>The configuration.</summary>
    public SchedulerConfig Config { get; }

    /// <summary>The scheduler class.</summary>
    public string ClassName => Config.ClassName;

    /// <summary>The schedule of the sampler's states. For classes that step in σ it is the variance-exploding form (α = 1, σ = σ/α) of the trained one.</summary>
    public NoiseSchedule Schedule { get; }

    /// <summary>The discrete schedule that the model was trained on, where the configuration names one; rounded to float32 as the published schedulers hold it.</summary>
    public DiscreteSchedule? Trained => Schedule as DiscreteSchedule ?? (Schedule as VarianceExplodingForm)?.Inner as DiscreteSchedule ?? TrainedSchedule;

    /// <summary>The same, where it is not to be seen in <see cref="Schedule"/>.</summary>
    internal DiscreteSchedule? TrainedSchedule { get; init; }

    /// <summary>What the network's output means for such states.</summary>
    public Parameterization Parameterization { get; }

    /// <summary>The method.</summary>
    public Sampler Sampler { get; }

    /// <summary>Standard deviation of the start.</summary>
    internal Func<TimeGrid, double> StartDeviation { get; init; } = static _ => 1;

    /// <summary>The level of <see cref="LevelOf"/> where the class takes another.</summary>
    internal Func<TimeGrid, double, NoiseLevel>? ForwardLevel { get; init; }

    /// <summary>The level of <see cref="VelocityLevelOf"/> where it is another than that of <see cref="LevelOf"/>.</summary>
    internal Func<TimeGrid, double, NoiseLevel>? VelocityLevel { get; init; }

    /// <summary>σ in the class's own unit, where it is neither σ/α nor the σ of a flow.</summary>
    internal Func<NoiseLevel, double>? Unit { get; init; }

    /// <summary>Clipping and whatever else the class does to an estimate.</summary>
    internal Func<IDenoiser, IDenoiser> Decorate { get; init; } = static denoiser => denoiser;

    /// <summary>Whether the noise of an estimate is made from the network's output rather than from the estimate of the data.</summary>
    internal bool NoiseFromOutput { get; init; }

    /// <summary>The grid of a run.</summary>
    /// <param name="steps">Number of steps, at least 1.</param>
    /// <exception cref="ArgumentException">The class cannot run so many steps.</exception>
    public TimeGrid Grid(int steps) => Grid(new RunOptions { Steps = steps });

    /// <summary>The grid of a run. Its labels are the timesteps that the network is told.</summary>
    /// <param name="options">Steps, or timesteps or sigmas; what else the class takes.</param>
    /// <exception cref="ArgumentException">The class does not take an option, or cannot run so.</exception>
    public TimeGrid Grid(RunOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check(ClassName, Config.Reader.RunOf(ClassName));
        return _grid(options);
    }

    /// <summary>The standard deviation of the state that a run starts from, <c>init_noise_sigma</c>: 1 for variance-preserving classes.</summary>
    /// <param name="grid">The grid of the run.</param>
    public double InitialSigma(TimeGrid grid)
    {
        ArgumentNullException.ThrowIfNull(grid);
        return StartDeviation(grid);
    }

    /// <summary>Draws the state that a run starts from: <see cref="InitialSigma"/> times standard normal numbers.</summary>
    /// <param name="shape">Shape of the state, batch first.</param>
    /// <param name="grid">The grid of the run.</param>
    /// <param name="noise">Where the random numbers come from.</param>
    /// <param name="dtype">Floating type of the state.</param>
    /// <param name="device">Where the state lives; the CPU by default.</param>
    /// <returns>A fresh tensor in the caller's scope.</returns>
    public Tensor DrawStart(ReadOnlySpan<long> shape, TimeGrid grid, NoiseSource noise, ScalarType dtype = ScalarType.Float32, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(noise);
        using var unit = noise.Next(shape, dtype, device ?? CPU);
        return unit.mul(InitialSigma(grid));
    }

    /// <summary>
    /// The level of data that is noised to a timestep, as for starting from an image: that of the grid's step there; failing that the trained level
    /// where states are on the trained schedule, and otherwise the grid's next cleaner step.
    /// </summary>
    /// <param name="grid">The grid of the run.</param>
    /// <param name="timestep">In the unit of the grid's labels.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such level.</exception>
    public NoiseLevel LevelOf(TimeGrid grid, double timestep)
    {
        ArgumentNullException.ThrowIfNull(grid);
        if (ForwardLevel is not null) return ForwardLevel(grid, timestep);
        if (StepAt(grid, timestep) is { } index) return grid[index].At.Level;
        if (Schedule is DiscreteSchedule discrete) return discrete.AtTimestep(timestep);
        foreach (var (at, _) in grid)
            if (at.Label <= timestep) return at.Level;
        throw new ArgumentOutOfRangeException(nameof(timestep), timestep, "The grid has no step at this timestep or below.");
    }

    /// <summary>The step that asks at a timestep; null where none does.</summary>
    internal static int? StepAt(TimeGrid grid, double timestep)
    {
        var nearest = Enumerable.Range(0, grid.Count).MinBy(i => Math.Abs(grid[i].At.Label!.Value - timestep));
        return Math.Abs(grid[nearest].At.Label!.Value - timestep) <= 1e-6 * Math.Max(1, Math.Abs(timestep)) ? nearest : null; // labels come back from float32
    }

    /// <summary>The level at which the published <c>get_velocity</c> takes its factors: that of <see cref="LevelOf"/> unless the class has a quirk.</summary>
    /// <inheritdoc cref="LevelOf" path="/param|/exception"/>
    public NoiseLevel VelocityLevelOf(TimeGrid grid, double timestep) => VelocityLevel is null ? LevelOf(grid, timestep) : VelocityLevel(grid, timestep);

    /// <summary>σ of a level in the unit of the published scheduler: σ/α for most, σ itself for flow matching.</summary>
    public double SigmaOf(NoiseLevel level) => Unit is not null ? Unit(level) : Schedule is RectifiedFlowSchedule ? level.Sigma : level.NoiseToSignal;

    /// <summary>A network as the denoiser that the sampler consumes, clipped as the configuration says.</summary>
    /// <param name="network">The network; borrowed.</param>
    /// <param name="condition">The side information of the batch; borrowed; null for none.</param>
    public IDenoiser Bind(DenoisingNetwork network, Conditioning? condition = null) =>
        Decorate(new NetworkDenoiser(network, Schedule, Parameterization, condition, NoiseFromOutput));
}
