namespace Diffusion.Training;

/// <summary>
/// An objective around another that drops parts of the conditions, each part of each sample on its own, so that a network can be guided by
/// one condition at a time (InstructPix2Pix, Brooks et al. 2023, section 3.2). What it drops is in addition to what the other drops.
/// </summary>
/// <remarks>
/// With a probability of p for a text, q for an image and r for both at once (<see cref="DenoisingObjective.ConditionDropout"/>), a sample has
/// the text but no image with probability (1 − r)(1 − p)q, and neither with r + (1 − r)pq.
/// </remarks>
public sealed class PartialConditionDropout : TrainingObjective
{
    private readonly TrainingObjective _objective;
    private readonly (ConditionParts Parts, double Probability)[] _dropouts;

    /// <summary>Drops parts of conditions around an objective.</summary>
    /// <param name="objective">The objective, borrowed.</param>
    /// <param name="dropouts">Which parts are dropped together, and with which probability, in [0, 1].</param>
    /// <exception cref="ArgumentException">There are no dropouts, or one drops nothing.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A probability is outside [0, 1].</exception>
    public PartialConditionDropout(TrainingObjective objective, IReadOnlyDictionary<ConditionParts, double> dropouts)
    {
        ArgumentNullException.ThrowIfNull(objective);
        ArgumentNullException.ThrowIfNull(dropouts);
        if (dropouts.Count == 0) throw new ArgumentException("No part of the condition is dropped; name at least one, with its probability.", nameof(dropouts));
        foreach (var (parts, probability) in dropouts)
        {
            if (parts == ConditionParts.None || (parts & ~ConditionParts.All) != 0)
                throw new ArgumentException($"{parts} names no parts of a condition; Class, Text, Image and ImageEmbedding may be joined.", nameof(dropouts));
            if (probability is not (>= 0 and <= 1))
                throw new ArgumentOutOfRangeException(nameof(dropouts), probability, "The probability of dropping a condition lies in [0, 1].");
        }
        _objective = objective;
        _dropouts = [.. dropouts.OrderBy(d => d.Key).Select(d => (d.Key, d.Value))]; // in one order, for the same draws from the same source
    }

    /// <inheritdoc/>
    public override nn.Module? Module => _objective.Module;

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">Class labels are dropped and the condition does not say which label stands for "no class".</exception>
    public override LossTerms Terms(DenoisingNetwork network, Tensor x0, Conditioning? condition, NoiseSource noise)
    {
        using var scope = NewDisposeScope();
        var terms = _objective.Terms(network, x0, Dropped(condition, noise), noise);
        terms.Loss.MoveToOuterDisposeScope();
        terms.PerSample?.MoveToOuterDisposeScope();
        return terms;
    }

    private Conditioning? Dropped(Conditioning? condition, NoiseSource noise)
    {
        ArgumentNullException.ThrowIfNull(noise);
        if (condition?.BatchSize is not { } batch) return condition;
        var marks = new bool[_dropouts.Length * batch];
        for (var sample = 0; sample < batch; sample++)
        {
            for (var i = 0; i < _dropouts.Length; i++) marks[i * batch + sample] = noise.NextDouble() < _dropouts[i].Probability;
        }
        var device = condition.Tensors().First(t => t is not null)!.device;
        var masks = tensor(marks, [_dropouts.Length, batch]).to(device); // one copy for all
        for (var i = 0; i < _dropouts.Length; i++) condition = condition.Drop(masks[i], _dropouts[i].Parts);
        return condition;
    }
}
