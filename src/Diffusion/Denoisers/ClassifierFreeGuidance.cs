namespace Diffusion.Denoisers;

/// <summary>
/// Classifier-free guidance: D = D_u + w·(D_c − D_u), w = 1 being the conditional model and w = 0 the unconditional one. (Ho and Salimans
/// 2022, whose w is ours minus 1)
/// </summary>
/// <remarks>
/// What it samples is not p(x)·p(y|x)^w: between Gaussians of one mean the standard deviation becomes s_c^w·s_u^{1−w}. Two calls a step; where w is 0 or 1,
/// one. <see cref="Batched"/> makes one call of the double batch instead, with the same result.
/// </remarks>
public sealed class ClassifierFreeGuidance : DenoiserDecorator
{
    /// <summary>Guides from an unconditional towards a conditional denoiser.</summary>
    /// <param name="conditional">D_c; borrowed.</param>
    /// <param name="unconditional">D_u, on the same schedule; the model with its condition dropped, or with a negative condition. Borrowed.</param>
    /// <param name="scale">w, finite. 1.5 to 7.5 are common.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="scale"/> is not finite.</exception>
    public ClassifierFreeGuidance(IDenoiser conditional, IDenoiser unconditional, double scale) : base(conditional, unconditional)
    {
        Scale = CheckScale(scale);
    }

    /// <summary>w.</summary>
    public double Scale { get; }

    /// <summary>Guidance in the convention of Ho and Salimans 2022: (1 + w)·D_c − w·D_u.</summary>
    /// <inheritdoc cref="ClassifierFreeGuidance(IDenoiser, IDenoiser, double)"/>
    public static ClassifierFreeGuidance FromHoSalimans(IDenoiser conditional, IDenoiser unconditional, double scale) => new(conditional, unconditional, 1 + scale);

    /// <summary>Guidance of one network by one evaluation of the double batch.</summary>
    /// <param name="network">F; borrowed.</param>
    /// <param name="schedule">The schedule that it was trained on.</param>
    /// <param name="parameterization">What its output means.</param>
    /// <param name="condition">The condition of the batch.</param>
    /// <param name="scale">w, finite.</param>
    /// <param name="negative">What to guide away from; the condition with everything dropped if null.</param>
    /// <exception cref="InvalidOperationException">The condition cannot be dropped and no negative one is given.</exception>
    public static IDenoiser Batched(DenoisingNetwork network, NoiseSchedule schedule, Parameterization parameterization, Conditioning condition, double scale, Conditioning? negative = null)
    {
        ArgumentNullException.ThrowIfNull(condition);
        CheckScale(scale);
        if (scale == 1) return new NetworkDenoiser(network, schedule, parameterization, condition);
        var dropped = negative ?? condition.DropAll();
        if (scale == 0) return new NetworkDenoiser(network, schedule, parameterization, dropped);
        return new BatchedGuidance(new NetworkDenoiser(network, schedule, parameterization, dropped.Concat(condition)), scale);
    }

    /// <inheritdoc/>
    public override Estimate Denoise(Tensor x, NoisePoint at)
    {
        if (Scale == 1) return Inner[0].Denoise(x, at);
        if (Scale == 0) return Inner[1].Denoise(x, at);
        using var scope = NewDisposeScope();
        return Combine(x, at.Level, Inner[0].Denoise(x, at), Inner[1].Denoise(x, at), Scale).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override IDenoiser Around(IReadOnlyList<IDenoiser> inner) => new ClassifierFreeGuidance(inner[0], inner[1], Scale);

    /// <summary>D_u + w(D_c − D_u) of two estimates; the noise too where one of them carries its own.</summary>
    internal static Estimate Combine(Tensor x, NoiseLevel level, Estimate conditional, Estimate unconditional, double scale)
    {
        var data = Estimate.Combine(scale, conditional.Data, 1 - scale, unconditional.Data);
        var noise = conditional.Noise is null && unconditional.Noise is null ? null
            : Estimate.Combine(scale, conditional.NoiseAt(x, level), 1 - scale, unconditional.NoiseAt(x, level));
        return new Estimate(data, noise, conditional.VarianceOutput);
    }

    private static double CheckScale(double scale) =>
        double.IsFinite(scale) ? scale : throw new ArgumentOutOfRangeException(nameof(scale), scale, "The guidance scale must be finite.");
}
