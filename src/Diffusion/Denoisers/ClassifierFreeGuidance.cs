namespace Diffusion.Denoisers;

/// <summary>
/// Classifier-free guidance: D = D_u + w·(D_c − D_u), w = 1 being the conditional model and w = 0 the unconditional one (Ho and Salimans
/// 2022, whose w is ours minus 1), or another <see cref="GuidanceRule"/>.
/// </summary>
/// <remarks>
/// What it samples is not p(x)·p(y|x)^w: between Gaussians of one mean the standard deviation becomes s_c^w·s_u^{1−w}. Two calls a step; where w is 0 or 1,
/// one. <see cref="Batched(DenoisingNetwork, NoiseSchedule, Parameterization, Conditioning, double, Conditioning)"/> makes one call of the double batch instead, with the same result.
/// </remarks>
public sealed class ClassifierFreeGuidance : DenoiserDecorator
{
    /// <summary>Guides from an unconditional towards a conditional denoiser.</summary>
    /// <param name="conditional">D_c; borrowed.</param>
    /// <param name="unconditional">D_u, on the same schedule; the model with its condition dropped, or with a negative condition. Borrowed.</param>
    /// <param name="scale">w, finite. 1.5 to 7.5 are common.</param>
    /// <exception cref="ArgumentException">The denoisers are of different schedules.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="scale"/> is not finite.</exception>
    public ClassifierFreeGuidance(IDenoiser conditional, IDenoiser unconditional, double scale) : this(conditional, unconditional, GuidanceRule.Linear(scale))
    {
    }

    /// <summary>Guides by another rule.</summary>
    /// <param name="conditional">D_c; borrowed.</param>
    /// <param name="unconditional">D_u, on the same schedule; borrowed.</param>
    /// <param name="rule">How the two are combined.</param>
    /// <exception cref="ArgumentException">The denoisers are of different schedules.</exception>
    public ClassifierFreeGuidance(IDenoiser conditional, IDenoiser unconditional, GuidanceRule rule) : base(conditional, unconditional)
    {
        ArgumentNullException.ThrowIfNull(rule);
        Rule = rule;
    }

    /// <summary>How the two estimates are combined.</summary>
    public GuidanceRule Rule { get; }

    /// <summary>w.</summary>
    public double Scale => Rule.Scale;

    /// <summary>Guidance in the convention of Ho and Salimans 2022: (1 + w)·D_c − w·D_u.</summary>
    /// <inheritdoc cref="ClassifierFreeGuidance(IDenoiser, IDenoiser, double)"/>
    public static ClassifierFreeGuidance FromHoSalimans(IDenoiser conditional, IDenoiser unconditional, double scale) => new(conditional, unconditional, 1 + scale);

    /// <summary>Autoguidance: away from a weaker model of one's own (smaller, or trained less) under the same condition, D = D_weak + w·(D − D_weak). (Karras et al. 2024, eq. 4)</summary>
    /// <param name="model">D; borrowed.</param>
    /// <param name="weaker">D_weak, on the same schedule; borrowed.</param>
    /// <param name="scale">w, finite; 2 is common.</param>
    /// <inheritdoc cref="ClassifierFreeGuidance(IDenoiser, IDenoiser, double)" path="/exception"/>
    public static ClassifierFreeGuidance FromWeakerModel(IDenoiser model, IDenoiser weaker, double scale) => new(model, weaker, scale);

    /// <summary>Guidance of one network by one evaluation of the double batch.</summary>
    /// <param name="network">F; borrowed.</param>
    /// <param name="schedule">The schedule that it was trained on.</param>
    /// <param name="parameterization">What its output means.</param>
    /// <param name="condition">The condition of the batch.</param>
    /// <param name="scale">w, finite.</param>
    /// <param name="negative">What to guide away from; the condition with everything dropped if null.</param>
    /// <exception cref="InvalidOperationException">The condition cannot be dropped and no negative one is given.</exception>
    public static IDenoiser Batched(DenoisingNetwork network, NoiseSchedule schedule, Parameterization parameterization, Conditioning condition, double scale, Conditioning? negative = null) =>
        Batched(network, schedule, parameterization, condition, GuidanceRule.Linear(scale), negative);

    /// <summary>Guidance of one network by one evaluation of the double batch, by another rule.</summary>
    /// <param name="network">F; borrowed.</param>
    /// <param name="schedule">The schedule that it was trained on.</param>
    /// <param name="parameterization">What its output means.</param>
    /// <param name="condition">The condition of the batch.</param>
    /// <param name="rule">How the two estimates are combined.</param>
    /// <param name="negative">What to guide away from; the condition with everything dropped if null.</param>
    /// <exception cref="InvalidOperationException">The condition cannot be dropped and no negative one is given.</exception>
    public static IDenoiser Batched(DenoisingNetwork network, NoiseSchedule schedule, Parameterization parameterization, Conditioning condition, GuidanceRule rule, Conditioning? negative = null)
    {
        ArgumentNullException.ThrowIfNull(condition);
        ArgumentNullException.ThrowIfNull(rule);
        if (!rule.NeedsUnconditional) return new NetworkDenoiser(network, schedule, parameterization, condition);
        var dropped = negative ?? condition.DropAll();
        if (!rule.NeedsConditional) return new NetworkDenoiser(network, schedule, parameterization, dropped);
        return new BatchedGuidance(new NetworkDenoiser(network, schedule, parameterization, dropped.Concat(condition)), rule);
    }

    /// <inheritdoc/>
    public override Estimate Denoise(Tensor x, NoisePoint at)
    {
        if (!Rule.NeedsUnconditional) return Inner[0].Denoise(x, at);
        if (!Rule.NeedsConditional) return Inner[1].Denoise(x, at);
        using var scope = NewDisposeScope();
        return Rule.Combine(x, at.Level, Inner[0].Denoise(x, at), Inner[1].Denoise(x, at)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override IDenoiser BeginRun()
    {
        var fresh = Rule.BeginRun();
        return ReferenceEquals(fresh, Rule) ? base.BeginRun() : new RunWithRule(new ClassifierFreeGuidance(Inner[0], Inner[1], fresh).BeginInner(), fresh);
    }

    /// <inheritdoc/>
    protected override IDenoiser Around(IReadOnlyList<IDenoiser> inner) => new ClassifierFreeGuidance(inner[0], inner[1], Rule);

    private IDenoiser BeginInner() => base.BeginRun();
}
