namespace Diffusion.Training;

/// <summary>
/// Trains a classifier of noisy states for classifier guidance: cross-entropy of the class given α·x₀ + σ·x₁ and the level's label. The network maps (scaled state, label) to logits [batch, classes].
/// (Dhariwal and Nichol 2021, section 4 and appendix H)
/// </summary>
/// <param name="schedule">How data turns into noise; that of the model to be guided.</param>
/// <param name="inputs">Its In and Label are the network's input, as for a denoising network; give the same to <see cref="NoisyClassifier"/>.</param>
public sealed class NoisyClassifierObjective(NoiseSchedule schedule, Parameterization inputs) : TrainingObjective
{
    private readonly NoiseSchedule _schedule = schedule ?? throw new ArgumentNullException(nameof(schedule));
    private readonly Parameterization _inputs = inputs ?? throw new ArgumentNullException(nameof(inputs));

    /// <summary>Which levels are looked at. Default <see cref="TimeDistribution.Uniform"/>.</summary>
    public TimeDistribution Times { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = TimeDistribution.Uniform();

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">x0 is not a floating batch, or the condition gives no class of each sample.</exception>
    /// <exception cref="InvalidOperationException">The network returns no logits, or the label is undefined at a drawn level.</exception>
    public override LossTerms Terms(DenoisingNetwork network, Tensor x0, Conditioning? condition, NoiseSource noise)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(noise);
        FactorTable.CheckBatch(x0, condition);
        if (condition?.ClassLabels is not { } labels || labels.dtype != ScalarType.Int64 || labels.dim() != 1)
            throw new ArgumentException("A classifier is trained with the class of each sample: a condition with ClassLabels, int64 [batch], is needed.", nameof(condition));
        using var scope = NewDisposeScope();
        var batch = (int)x0.shape[0];
        var times = Times.Draw(batch, _schedule, noise);
        var levels = Array.ConvertAll(times, _schedule.At);
        var factors = new FactorTable(3, batch);
        for (var i = 0; i < batch; i++)
        {
            var scalings = _inputs.At(levels[i]);
            if (!factors.TrySet(i, [scalings.In * levels[i].Alpha, scalings.In * levels[i].Sigma, scalings.Label]))
                throw new InvalidOperationException($"The input or the label of {_inputs} is undefined at t = {levels[i].Time:g6}; draw times that keep away from this end.");
        }

        var table = factors.Upload(x0);
        var noisy = (x0 * table.Row(0)).addcmul_(noise.NextLike(x0), table.Row(1), 1);
        var logits = network.call(noisy, table.Flat(2), null);
        if (logits.dim() != 2 || logits.shape[0] != batch)
            throw new InvalidOperationException($"The network returned [{string.Join(", ", logits.shape)}]; logits [{batch}, classes] are needed.");
        var perSample = nn.functional.cross_entropy(logits, labels, reduction: nn.Reduction.None);
        return new LossTerms(perSample.mean().MoveToOuterDisposeScope(), perSample.MoveToOuterDisposeScope(), levels);
    }
}
