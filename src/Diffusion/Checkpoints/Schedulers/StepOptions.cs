namespace Diffusion.Checkpoints.Schedulers;

/// <summary>What a published scheduler takes with each step rather than in its file. Null means its default; a class refuses what it does not take.</summary>
public sealed class StepOptions
{
    /// <summary>The default of everything.</summary>
    public static StepOptions Default { get; } = new();

    /// <summary>η of DDIM and TCD, in [0, 1].</summary>
    public double? Eta { get; init; }

    /// <summary>Whether DDIM derives the noise anew from the clipped data.</summary>
    public bool? UseClippedOutput { get; init; }

    /// <summary>S_churn of Karras et al. 2022, algorithm 2.</summary>
    public double? Churn { get; init; }

    /// <summary>S_tmin: churn only where σ is at least this.</summary>
    public double? ChurnMinimum { get; init; }

    /// <summary>S_tmax: churn only where σ is at most this.</summary>
    public double? ChurnMaximum { get; init; }

    /// <summary>S_noise, the factor of the noise.</summary>
    public double? NoiseScale { get; init; }

    /// <summary>Order of a linear multistep method.</summary>
    public int? Order { get; init; }

    /// <summary>The image that RePaint completes, [batch, …] of the shape, type and device of the state; borrowed.</summary>
    public Tensor? Image { get; init; }

    /// <summary>1 where <see cref="Image"/> is known and 0 where it is not, in its type; of its shape, or with lengths of 1 that stand for all. Borrowed.</summary>
    public Tensor? KnownMask { get; init; }

    /// <summary>
    /// Whether the plan repeats what is a quirk of the published class's code rather than its method: differences taken in float32, churn after the network was asked, a third order that is none.
    /// Off by default: then the library's own samplers run, of the orders that their papers state. With it, the numbers are those of the published class.
    /// </summary>
    public bool Quirks { get; init; }

    internal void Check(string className, StepArguments taken)
    {
        void Refuse(bool given, StepArguments argument, string name)
        {
            if (given && !taken.HasFlag(argument)) throw new ArgumentException($"{className} takes no {name}.", name);
        }

        Refuse(Eta is not null, StepArguments.Eta, nameof(Eta));
        Refuse(UseClippedOutput is not null, StepArguments.UseClippedOutput, nameof(UseClippedOutput));
        Refuse(Churn is not null, StepArguments.Churn, nameof(Churn));
        Refuse(ChurnMinimum is not null, StepArguments.Churn, nameof(ChurnMinimum));
        Refuse(ChurnMaximum is not null, StepArguments.Churn, nameof(ChurnMaximum));
        Refuse(NoiseScale is not null, StepArguments.NoiseScale, nameof(NoiseScale));
        Refuse(Order is not null, StepArguments.Order, nameof(Order));
        Refuse(Image is not null, StepArguments.Image, nameof(Image));
        Refuse(KnownMask is not null, StepArguments.Image, nameof(KnownMask));
        if (Image is null != KnownMask is null) throw new ArgumentException($"{nameof(Image)} and {nameof(KnownMask)} belong together; only one of them was given.");
    }
}
