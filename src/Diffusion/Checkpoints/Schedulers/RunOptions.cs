namespace Diffusion.Checkpoints.Schedulers;

/// <summary>
/// How a run of a published scheduler is laid out: the arguments of its <c>set_timesteps</c>. Give <see cref="Steps"/>, or the timesteps or sigmas
/// themselves. A class refuses what it does not take.
/// </summary>
public sealed class RunOptions
{
    /// <summary>Number of steps, at least 1.</summary>
    public int? Steps { get; init; }

    /// <summary>The timesteps themselves, falling, in the scheduler's own unit.</summary>
    public IReadOnlyList<double>? Timesteps { get; init; }

    /// <summary>The noise levels themselves, falling, in the scheduler's own unit (σ/α, or σ for flow matching).</summary>
    public IReadOnlyList<double>? Sigmas { get; init; }

    /// <summary>μ of a resolution-dependent shift. (Esser et al. 2024, section 5.3.2)</summary>
    public double? Mu { get; init; }

    /// <summary>The part of the distillation schedule that is used, in (0, 1]. LCM and TCD only.</summary>
    public double? Strength { get; init; }

    /// <summary>The steps of the schedule that a model was distilled with. LCM and TCD only.</summary>
    public int? OriginalSteps { get; init; }

    /// <summary>How many steps a jump back undoes. RePaint only.</summary>
    public int? JumpLength { get; init; }

    /// <summary>How many times each stretch is walked. RePaint only.</summary>
    public int? JumpSamples { get; init; }

    internal void Check(string className, RunArguments taken)
    {
        void Refuse(bool given, RunArguments argument, string name)
        {
            if (given && !taken.HasFlag(argument)) throw new ArgumentException($"{className} takes no {name}.", name);
        }

        Refuse(Timesteps is not null, RunArguments.Timesteps, nameof(Timesteps));
        Refuse(Sigmas is not null, RunArguments.Sigmas, nameof(Sigmas));
        Refuse(Mu is not null, RunArguments.Mu, nameof(Mu));
        Refuse(Strength is not null, RunArguments.Strength, nameof(Strength));
        Refuse(OriginalSteps is not null, RunArguments.OriginalSteps, nameof(OriginalSteps));
        Refuse(JumpLength is not null, RunArguments.Jumps, nameof(JumpLength));
        Refuse(JumpSamples is not null, RunArguments.Jumps, nameof(JumpSamples));
        if (Steps is null && Timesteps is null && Sigmas is null)
            throw new ArgumentException($"{className} was given no steps: give {nameof(Steps)}, or the timesteps or sigmas themselves where the class takes them.");
        if (Steps < 1) throw new ArgumentException($"{Steps} steps were asked for; a run has at least 1.");
        if (Timesteps is { Count: 0 }) throw new ArgumentException($"{nameof(Timesteps)} is empty.");
        if (Sigmas is { Count: 0 }) throw new ArgumentException($"{nameof(Sigmas)} is empty.");
    }
}
