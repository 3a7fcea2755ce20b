namespace Diffusion.Training;

/// <summary>
/// The regression of a stochastic interpolant x_t = α·x₀ + β·x₁ + γ·z, whose noise z is a third party beside the two ends: conditional flow matching with σ, Schrödinger bridges, flows between
/// any two kinds of data. With <see cref="LatentNoise.None"/> and the velocity it is <see cref="DenoisingObjective"/> of the velocity. (Albergo et al. 2023, section 2; Tong et al. 2024)
/// </summary>
/// <remarks>The network is shown x_t itself and the label, and its output is asked through an interpolant's denoiser, or for the velocity by any denoiser of that parameterization.</remarks>
public sealed class InterpolantObjective : TrainingObjective
{
    // Rows of the table of factors, one column a sample.
    private const int Alpha = 0, Beta = 1, Gamma = 2, AlphaDot = 3, BetaDot = 4, GammaDot = 5, Weight = 6, Label = 7, Dropped = 8, Rows = 9;

    /// <summary>An objective with uniform times and independent Gaussian x₁.</summary>
    /// <param name="path">α and β, as a schedule's α and σ.</param>
    /// <param name="latent">γ.</param>
    /// <param name="target">What the network returns.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such target.</exception>
    public InterpolantObjective(NoiseSchedule path, LatentNoise latent, InterpolantTarget target = InterpolantTarget.Velocity)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(latent);
        if (!Enum.IsDefined(target)) throw new ArgumentOutOfRangeException(nameof(target), target, "There is no such target.");
        (Path, Latent, Target) = (path, latent, target);
    }

    /// <summary>α and β.</summary>
    public NoiseSchedule Path { get; }

    /// <summary>γ.</summary>
    public LatentNoise Latent { get; }

    /// <summary>What the network returns.</summary>
    public InterpolantTarget Target { get; }

    /// <summary>Which times are looked at. Default uniform.</summary>
    public TimeDistribution Times { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = TimeDistribution.Uniform();

    /// <summary>Which x₁ goes with which x₀. Default <see cref="Coupling.Independent"/>.</summary>
    public Coupling Coupling { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = Coupling.Independent;

    /// <summary>What the network is told about the time. Default <see cref="Diffusion.NoiseLabel.Default"/>.</summary>
    public NoiseLabel NoiseLabel { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = Diffusion.NoiseLabel.Default;

    /// <summary>How much each time counts, at least 0. Default 1 everywhere.</summary>
    public Func<double, double> Weighting { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = static _ => 1;

    /// <summary>The probability with which a sample's condition is dropped, in [0, 1]. Default 0.</summary>
    public double ConditionDropout
    {
        get;
        init => field = value is >= 0 and <= 1 ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "The probability of dropping a condition lies in [0, 1].");
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">x0 is not a floating batch, or the condition is of another batch.</exception>
    /// <exception cref="InvalidOperationException">A factor is not finite at a drawn time, or the network's output has another shape than the target.</exception>
    public override LossTerms Terms(DenoisingNetwork network, Tensor x0, Conditioning? condition, NoiseSource noise)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(noise);
        FactorTable.CheckBatch(x0, condition);
        using var scope = NewDisposeScope();
        var coupled = Coupling.Couple(x0, condition, noise);
        var (data, other, given) = (coupled.Data, coupled.Noise, coupled.Condition);
        var z = noise.NextLike(data);
        var batch = (int)data.shape[0];
        var drops = ConditionDropout > 0 && given is { IsEmpty: false };
        var (factors, levels) = Factors(Times.DrawWeighted(batch, Path, noise), drops ? noise : null);
        var table = factors.Upload(data);
        var input = (data * table.Row(Alpha)).addcmul_(other, table.Row(Beta), 1).addcmul_(z, table.Row(Gamma), 1);
        var ends = Target == InterpolantTarget.Noise ? z : (data * table.Row(AlphaDot)).addcmul_(other, table.Row(BetaDot), 1);
        var target = Target switch
        {
            InterpolantTarget.Velocity => ends.addcmul_(z, table.Row(GammaDot), 1),
            InterpolantTarget.DriftAndNoise => cat([ends, z], 1),
            _ => ends,
        };
        if (drops) given = given!.Drop(table.Flat(Dropped).gt(0.5));
        var output = network.call(input, table.Flat(Label), given);
        if (!output.shape.AsSpan().SequenceEqual(target.shape))
            throw new InvalidOperationException($"The network returned [{string.Join(", ", output.shape)}]; for data [{string.Join(", ", data.shape)}] the target {Target} needs [{string.Join(", ", target.shape)}].");
        var perSample = (output.to(data.dtype) - target).square().flatten(1).mean([1L]) * table.Flat(Weight);
        return new LossTerms(perSample.mean().MoveToOuterDisposeScope(), perSample.MoveToOuterDisposeScope(), levels);
    }

    private (FactorTable Factors, NoiseLevel[] Levels) Factors((double Time, double Weight)[] times, NoiseSource? drops)
    {
        var factors = new FactorTable(Rows, times.Length);
        var levels = new NoiseLevel[times.Length];
        for (var i = 0; i < times.Length; i++)
        {
            var level = levels[i] = Path.At(times[i].Time);
            var (gamma, gammaDot) = Latent.At(times[i].Time);
            var ends = Target != InterpolantTarget.Noise;
            ReadOnlySpan<double> column =
            [
                level.Alpha, level.Sigma, gamma, ends ? level.AlphaDot : 0, ends ? level.SigmaDot : 0, Target == InterpolantTarget.Velocity ? gammaDot : 0,
                times[i].Weight * Weighting(times[i].Time), NoiseLabel.At(level), drops is null ? 0 : drops.NextDouble() < ConditionDropout ? 1 : 0,
            ];
            if (!factors.TrySet(i, column))
                throw new InvalidOperationException(
                    $"The interpolant has no finite target at t = {level.Time:g6}: dα/dt = {level.AlphaDot:g6}, dβ/dt = {level.SigmaDot:g6}, γ = {gamma:g6}, dγ/dt = {gammaDot:g6}. "
                    + $"Draw times that keep away from this end, or train towards {nameof(InterpolantTarget.DriftAndNoise)}.");
        }

        return (factors, levels);
    }
}
