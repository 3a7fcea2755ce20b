namespace Diffusion.Training;

/// <summary>
/// L_simple + λ·L_vlb: the usual regression for the mean, and the variational bound of ancestral sampling for the variance, which the network predicts along with it. The bound's
/// part is not differentiated with respect to the mean, so the mean is trained as without it. (Nichol and Dhariwal 2021, section 3.1)
/// </summary>
/// <remarks>
/// L_vlb is estimated as the number of steps times the term of one step a sample, in nats a number; the prior's term has nothing to train. The paper's code counts in bits: its λ = 0.001
/// is 0.00144 here. The network returns twice the channels of the data.
/// </remarks>
public sealed class HybridObjective : TrainingObjective
{
    private readonly StepLoss _loss;

    /// <summary>An objective for the steps of a grid.</summary>
    /// <param name="grid">The steps that sampling is to take, all of them: a chain from noise to data. <c>schedule.Grid(T)</c> for a discrete schedule.</param>
    /// <param name="parameterization">What the first half of the network's output means.</param>
    /// <param name="variance">What the second half means: within the range, or the logarithm itself.</param>
    /// <param name="decoderVariance">The lower end of the range at the step to clean data.</param>
    /// <exception cref="ArgumentException">The steps are no falling chain, or the variance is not a learned one.</exception>
    public HybridObjective(TimeGrid grid, Parameterization parameterization, ReverseVariance variance = ReverseVariance.LearnedRange, DecoderVariance decoderVariance = default)
    {
        if (variance is ReverseVariance.Small or ReverseVariance.Large)
            throw new ArgumentException($"The variance {variance} is fixed: there is nothing to learn for it. Use {ReverseVariance.LearnedRange} or {ReverseVariance.LearnedLog}, or {nameof(DenoisingObjective)}.", nameof(variance));
        _loss = new StepLoss(grid, parameterization, variance, decoderVariance);
    }

    /// <summary>λ, positive and finite. Default 0.001.</summary>
    public double BoundWeight
    {
        get;
        init => field = value > 0 && double.IsFinite(value) ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "The weight of the bound must be positive and finite.");
    } = 0.001;

    /// <summary>How much each level counts in L_simple. Default <see cref="LossWeighting.Simple"/>.</summary>
    public LossWeighting Weighting { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = LossWeighting.Simple;

    /// <summary>The decoder of data on levels; null for data on the line. Default null.</summary>
    public DiscretizedGaussian? Decoder { get; init; }

    /// <inheritdoc cref="DenoisingObjective.ConditionDropout"/>
    public double ConditionDropout
    {
        get;
        init => field = value is >= 0 and <= 1 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "The probability of dropping a condition lies in [0, 1].");
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">x0 is not a floating batch, or the condition is of another batch.</exception>
    /// <exception cref="InvalidOperationException">The parameterization is undefined at a step, the condition cannot be dropped, or the network's output has not twice the channels.</exception>
    public override LossTerms Terms(DenoisingNetwork network, Tensor x0, Conditioning? condition, NoiseSource noise)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(noise);
        FactorTable.CheckBatch(x0, condition);
        using var scope = NewDisposeScope();
        var steps = _loss.Draw((int)x0.shape[0], noise);
        var (simple, bound, levels) = _loss.Evaluate(network, x0, condition, noise, steps, Weighting, ConditionDropout, Decoder, fixedMean: true);
        var perSample = simple + bound * (BoundWeight * _loss.Count);
        return new LossTerms(perSample.mean().MoveToOuterDisposeScope(), perSample.MoveToOuterDisposeScope(), levels);
    }
}
