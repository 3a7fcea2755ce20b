namespace Diffusion.Training;

/// <summary>
/// The variational bound of ancestral sampling itself, without the prior's term, which has nothing to train: the sum of the terms of all steps in nats a number, estimated at one step a
/// sample. Its terms differ by orders of magnitude, so <see cref="Importance"/> makes it far less noisy. (Ho et al. 2020, eq. 5; Nichol and Dhariwal 2021, section 3.3)
/// </summary>
public sealed class VariationalObjective : TrainingObjective
{
    private readonly StepLoss _loss;

    /// <summary>An objective for the steps of a grid.</summary>
    /// <param name="grid">The steps that sampling is to take, all of them: a chain from noise to data.</param>
    /// <param name="parameterization">What the network's output, or its first half, means.</param>
    /// <param name="variance">The variance of a step; the learned ones need a network that returns twice the channels.</param>
    /// <param name="decoderVariance">The variance of the step to clean data.</param>
    /// <exception cref="ArgumentException">The steps are no falling chain.</exception>
    public VariationalObjective(TimeGrid grid, Parameterization parameterization, ReverseVariance variance = ReverseVariance.LearnedRange, DecoderVariance decoderVariance = default) =>
        _loss = new StepLoss(grid, parameterization, variance, decoderVariance);

    /// <summary>Draws steps by the size of their terms; null draws them evenly. Borrowed, and learns from every loss that is computed. Default null.</summary>
    /// <exception cref="ArgumentException">It is of another number of steps.</exception>
    public LossSecondMoment? Importance
    {
        get;
        init => field = value is null || value.Steps == _loss.Count ? value : throw new ArgumentException($"It is made for {value.Steps} steps, the grid has {_loss.Count}.", nameof(value));
    }

    /// <inheritdoc cref="HybridObjective.Decoder"/>
    public DiscretizedGaussian? Decoder { get; init; }

    /// <inheritdoc cref="DenoisingObjective.ConditionDropout"/>
    public double ConditionDropout
    {
        get;
        init => field = value is >= 0 and <= 1 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "The probability of dropping a condition lies in [0, 1].");
    }

    /// <summary><see cref="Importance"/>, so that its memory is saved with a run.</summary>
    public override nn.Module? Module => Importance;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">x0 is not a floating batch, or the condition is of another batch.</exception>
    /// <exception cref="InvalidOperationException">The parameterization is undefined at a step, the condition cannot be dropped, or the network's output has another shape than is needed.</exception>
    public override LossTerms Terms(DenoisingNetwork network, Tensor x0, Conditioning? condition, NoiseSource noise)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(noise);
        FactorTable.CheckBatch(x0, condition);
        using var scope = NewDisposeScope();
        var batch = (int)x0.shape[0];
        var (steps, weights) = Importance is null ? (_loss.Draw(batch, noise), null) : Importance.Draw(batch, noise);
        var (_, bound, levels) = _loss.Evaluate(network, x0, condition, noise, steps, LossWeighting.Simple, ConditionDropout, Decoder, fixedMean: false);
        Importance?.Learn(steps, bound);
        var perSample = bound * _loss.Count;
        if (weights is not null) perSample = perSample * tensor(weights, perSample.dtype, perSample.device);
        return new LossTerms(perSample.mean().MoveToOuterDisposeScope(), perSample.MoveToOuterDisposeScope(), levels);
    }
}
