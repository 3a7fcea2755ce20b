namespace Diffusion.Training;

/// <summary>
/// The term of the variational bound of one step a sample, and the plain regression at the same state: what the hybrid and the variational objective are made of. Settings only.
/// </summary>
internal sealed class StepLoss
{
    private const int InputData = 0, InputNoise = 1, TargetData = 2, TargetNoise = 3, Weight = 4, Label = 5, Dropped = 6, Out = 7, Gain = 8, Offset = 9, Slope = 10, Rows = 11;

    private readonly TimeGrid _grid;
    private readonly Parameterization _parameterization;
    private readonly ReverseKernel[] _kernels;

    public StepLoss(TimeGrid grid, Parameterization parameterization, ReverseVariance variance, DecoderVariance decoder)
    {
        ArgumentNullException.ThrowIfNull(grid);
        ArgumentNullException.ThrowIfNull(parameterization);
        (_grid, _parameterization, _kernels) = (grid, parameterization, ReverseKernel.Of(grid, variance, decoder));
    }

    /// <summary>Number of steps.</summary>
    public int Count => _kernels.Length;

    /// <summary>Steps spread over the grid: one in each of as many equal shares as there are samples, in random order, each uniform by itself.</summary>
    public int[] Draw(int samples, NoiseSource noise)
    {
        var steps = new int[samples];
        for (var i = 0; i < samples; i++) steps[i] = Math.Min((int)((i + noise.NextDouble()) / samples * Count), Count - 1);
        for (var i = samples - 1; i > 0; i--)
        {
            var j = (int)(noise.NextDouble() * (i + 1));
            (steps[i], steps[j]) = (steps[j], steps[i]);
        }

        return steps;
    }

    /// <summary>Both losses of each sample at its step, in the caller's scope.</summary>
    /// <param name="network">F, with twice the channels where a kernel's variance is learned.</param>
    /// <param name="x0">The data.</param>
    /// <param name="condition">Side information of the batch.</param>
    /// <param name="noise">Where noise comes from.</param>
    /// <param name="steps">The step of each sample.</param>
    /// <param name="weighting">Of the regression.</param>
    /// <param name="dropout">The probability of dropping a condition.</param>
    /// <param name="decoder">The decoder of data on levels.</param>
    /// <param name="fixedMean">Whether the bound's term shall not be differentiated with respect to the mean.</param>
    /// <returns>The weighted squared error and the bound's term, both a number (the mean over the numbers of a sample), [batch].</returns>
    public (Tensor Simple, Tensor Bound, NoiseLevel[] Levels) Evaluate(
        DenoisingNetwork network, Tensor x0, Conditioning? condition, NoiseSource noise, int[] steps, LossWeighting weighting, double dropout, DiscretizedGaussian? decoder, bool fixedMean)
    {
        using var scope = NewDisposeScope();
        var drops = dropout > 0 && condition is { IsEmpty: false };
        var table = Factors(steps, weighting, drops ? dropout : 0, noise).Upload(x0);
        var other = noise.NextLike(x0);
        var input = (x0 * table.Row(InputData)).addcmul_(other, table.Row(InputNoise), 1);
        var target = (x0 * table.Row(TargetData)).addcmul_(other, table.Row(TargetNoise), 1);
        if (drops) condition = condition!.Drop(table.Flat(Dropped).gt(0.5));
        var (prediction, variance) = Split(network.call(input, table.Flat(Label), condition), x0);
        var miss = target - prediction;
        var simple = miss.square().flatten(1).mean([1L]) * table.Flat(Weight);
        var error = (fixedMean ? miss.detach() : miss) * table.Row(Out); // x₀ − x̂₀
        var logVariance = variance is null ? table.Row(Offset).expand_as(x0) : table.Row(Slope) * variance + table.Row(Offset);
        var bound = Bound(x0, error, logVariance, table.Row(Gain), steps, decoder);
        return (simple.MoveToOuterDisposeScope(), bound.MoveToOuterDisposeScope(), Array.ConvertAll(steps, step => _grid[step].At.Level));
    }

    // Samples at the last step have the decoder's term, all others a divergence.
    private Tensor Bound(Tensor x0, Tensor error, Tensor logVariance, Tensor gain, int[] steps, DiscretizedGaussian? decoder)
    {
        var order = Enumerable.Range(0, steps.Length).OrderBy(i => _kernels[steps[i]].IsDecoder).ToArray(); // stable
        var decoded = steps.Count(step => _kernels[step].IsDecoder);
        Tensor Mean(Tensor value) => value.flatten(1).mean([1L]).to(x0.dtype);
        if (decoded == 0) return Mean(ReverseKernel.Divergence(logVariance, error, gain));
        Tensor Take(Tensor of, int from, int to) => of.index_select(0, tensor(order[from..to].Select(i => (long)i).ToArray(), int64, x0.device));
        var first = steps.Length - decoded;
        var (x, e, v) = (Take(x0, first, steps.Length), Take(error, first, steps.Length), Take(logVariance, first, steps.Length));
        var last = Mean(decoder is null ? ReverseKernel.NegativeLogDensity(v, e) : decoder.LogProbability(x, x - e, v).neg());
        if (first == 0) return last; // the order is then that of the batch
        var divergence = Mean(ReverseKernel.Divergence(Take(logVariance, 0, first), Take(error, 0, first), Take(gain, 0, first)));
        var back = new long[order.Length];
        for (var i = 0; i < order.Length; i++) back[order[i]] = i;
        return cat([divergence, last], 0).index_select(0, tensor(back, int64, x0.device));
    }

    private FactorTable Factors(int[] steps, LossWeighting weighting, double dropout, NoiseSource noise)
    {
        var factors = new FactorTable(Rows, steps.Length);
        for (var i = 0; i < steps.Length; i++)
        {
            var (at, kernel) = (_grid[steps[i]].At, _kernels[steps[i]]);
            var scalings = _parameterization.At(at.Level);
            var (data, ofNoise) = scalings.Target(at.Level);
            ReadOnlySpan<double> column =
            [
                scalings.In * at.Level.Alpha, scalings.In * at.Level.Sigma, data, ofNoise, weighting.OfOutput(at.Level, scalings), at.Label ?? scalings.Label,
                dropout > 0 && noise.NextDouble() < dropout ? 1 : 0, scalings.Out, kernel.Gain, kernel.Offset, kernel.Slope,
            ];
            if (!factors.TrySet(i, column))
                throw new InvalidOperationException(
                    $"Training with the {_parameterization.Name} parameterization is undefined at step {steps[i]}, α = {at.Level.Alpha:g6}, σ = {at.Level.Sigma:g6}. Begin the grid at less noise, or predict v, the velocity or the data.");
        }

        return factors;
    }

    private (Tensor Prediction, Tensor? Variance) Split(Tensor output, Tensor x0)
    {
        var (shape, expected) = (output.shape, x0.shape);
        var learned = _kernels[0].Slope != 0;
        if (learned ? shape.Length == expected.Length && shape[0] == expected[0] && shape[1] == 2 * expected[1] && shape.AsSpan(2).SequenceEqual(expected.AsSpan(2)) : shape.AsSpan().SequenceEqual(expected))
        {
            output = output.to(x0.dtype); // the loss keeps the precision of the data
            if (!learned) return (output, null);
            var halves = output.chunk(2, 1);
            return (halves[0], halves[1]);
        }

        throw new InvalidOperationException(
            $"The network returned [{string.Join(", ", shape)}] for data [{string.Join(", ", expected)}]; {(learned ? "twice the channels, the second half for the variance, are" : "the same shape is")} needed.");
    }
}
