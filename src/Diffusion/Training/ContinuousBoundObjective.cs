using Diffusion.Schedules;

namespace Diffusion.Training;

/// <summary>
/// The variational bound in continuous time with a learned log-SNR, in nats a number: ½E[γ'(t)·‖ε − ε̂‖²] + KL(q(x₁ | x₀) ‖ N(0, 1)) − E ln p(x₀ | x₀'). The bound depends on the schedule through
/// its two ends alone, which are trained to lower it, as the network is; the path between them is trained to lower the variance of the estimate. (Kingma et al. 2021, section 4 and appendix I)
/// </summary>
/// <remarks>
/// <para>For a schedule that is not learned, <see cref="DenoisingObjective"/> with <see cref="LossWeighting.Likelihood"/> is the same loss without the two end terms, which have nothing to train then.</para>
/// <para>
/// The gradient of the variance costs one more pass back through the network. What is lowered is E[l²]/E[l] of the loss l of a sample, whose gradient has the size of the loss's own. Times are spread
/// over each batch with one offset.
/// </para>
/// </remarks>
public sealed class ContinuousBoundObjective : TrainingObjective
{
    private const int InputData = 0, InputNoise = 1, TargetData = 2, TargetNoise = 3, Weight = 4, Label = 5, Rows = 6;
    private const double Difference = 1e-4; // of γ, for slopes of factors on the host

    private readonly LearnedSchedule _schedule;
    private readonly Parameterization _parameterization;

    /// <summary>An objective.</summary>
    /// <param name="schedule">The schedule that is learned; borrowed, on the device of the data.</param>
    /// <param name="parameterization">What the network's output means. Its label must be one of the level and not of the time: <see cref="NoiseLabel.LogSigma"/>.</param>
    public ContinuousBoundObjective(LearnedSchedule schedule, Parameterization parameterization)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        ArgumentNullException.ThrowIfNull(parameterization);
        (_schedule, _parameterization) = (schedule, parameterization);
    }

    /// <summary>The decoder of data on levels; null for data on the line, whose decoder is a density. Default null.</summary>
    public DiscretizedGaussian? Decoder { get; init; }

    /// <summary>The schedule, so that it is trained and saved.</summary>
    public override nn.Module? Module => _schedule;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">x0 is not a floating batch, or the condition is of another batch.</exception>
    /// <exception cref="InvalidOperationException">The parameterization is undefined at a level or told the time, or the network's output has another shape than the data.</exception>
    public override LossTerms Terms(DenoisingNetwork network, Tensor x0, Conditioning? condition, NoiseSource noise)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(noise);
        FactorTable.CheckBatch(x0, condition);
        using var scope = NewDisposeScope();
        var frozen = _schedule.Freeze();
        var times = TimeDistribution.Uniform().Antithetic().Draw((int)x0.shape[0], frozen, noise);
        var gammas = Array.ConvertAll(times, frozen.Gamma);
        var learns = is_grad_enabled() && _schedule.parameters().Any(p => p.requires_grad);
        // γ of each sample is its number on the host plus 0: what the loss depends on the schedule by.
        var gamma = zeros(times.Length, x0.dtype, x0.device);
        if (learns) gamma.requires_grad_();
        var other = noise.NextLike(x0);
        var rates = tensor(Array.ConvertAll(gammas, g => g.Slope), float64, x0.device);
        var diffusion = Error(network, x0, other, condition, Array.ConvertAll(gammas, g => g.Value), gamma).to(float64) * rates; // [batch]
        var perSample = diffusion + EndTerms(x0, noise);
        var loss = perSample.mean();
        if (learns)
        {
            var byGamma = Differentiation.Gradient(diffusion, gamma, keepGraph: true).to(float64);
            var pull = Pull(times, diffusion.detach(), byGamma, rates);
            loss = loss + (pull - pull.detach()); // its gradient and not its value
        }

        return new LossTerms(loss.to(x0.dtype).MoveToOuterDisposeScope(), perSample.to(x0.dtype).MoveToOuterDisposeScope(), Array.ConvertAll(times, frozen.At));
    }

    // ½‖ε − ε̂‖² a number, [batch], as a function of γ: its factors are linear in what is added to γ, with slopes by differences on the host.
    private Tensor Error(DenoisingNetwork network, Tensor x0, Tensor noise, Conditioning? condition, double[] gammas, Tensor added)
    {
        var (values, slopes) = (new FactorTable(Rows, gammas.Length), new FactorTable(Rows, gammas.Length));
        for (var i = 0; i < gammas.Length; i++)
        {
            var (here, above, below) = (Factors(gammas[i]), Factors(gammas[i] + Difference), Factors(gammas[i] - Difference));
            var slope = Array.ConvertAll(Enumerable.Range(0, Rows).ToArray(), row => (above[row] - below[row]) / (2 * Difference));
            if (!values.TrySet(i, here) || !slopes.TrySet(i, slope))
                throw new InvalidOperationException(
                    $"The {_parameterization.Name} parameterization with the label '{_parameterization.Label}' is undefined at log-SNR {-gammas[i]:g6} where the schedule is learned: "
                    + $"its numbers must follow from the level and not from the time. {nameof(NoiseLabel)}.{nameof(NoiseLabel.LogSigma)} does.");
        }

        var (value, tangent) = (values.Upload(x0), slopes.Upload(x0));
        var wide = added.view([-1, .. Enumerable.Repeat(1L, (int)x0.dim() - 1)]);
        Tensor Row(int row) => value.Row(row) + tangent.Row(row) * wide;
        Tensor Flat(int row) => value.Flat(row) + tangent.Flat(row) * added;
        var output = network.call(x0 * Row(InputData) + noise * Row(InputNoise), Flat(Label), condition);
        if (!output.shape.AsSpan().SequenceEqual(x0.shape))
            throw new InvalidOperationException($"The network returned [{string.Join(", ", output.shape)}] for data [{string.Join(", ", x0.shape)}]; the same shape is needed.");
        var miss = output.to(x0.dtype) - (x0 * Row(TargetData) + noise * Row(TargetNoise));
        return miss.square().flatten(1).mean([1L]) * Flat(Weight);
    }

    private double[] Factors(double gamma)
    {
        var level = MonotoneSchedule.OfGamma(gamma);
        var scalings = _parameterization.At(level);
        var (data, noise) = scalings.Target(level);
        return [scalings.In * level.Alpha, scalings.In * level.Sigma, data, noise, 0.5 * scalings.Out * scalings.Out * Math.Exp(-gamma), scalings.Label];
    }

    // What is left of the data at t = 1, and the decoder N(z/α, σ²/α²) at t = 0: a number, [batch], differentiable in the ends.
    private Tensor EndTerms(Tensor x0, NoiseSource noise)
    {
        var (start, width) = _schedule.Ends();
        var end = start + width;
        var data = x0.to(float64);
        var (alphaSquared, sigmaSquared) = (end.neg().sigmoid(), end.sigmoid());
        var prior = (alphaSquared * data.square().flatten(1).mean([1L]) + sigmaSquared - 1 - sigmaSquared.log()) / 2;
        if (Decoder is null) return prior + (start + Math.Log(2 * Math.PI) + 1) / 2;
        var mean = data + noise.NextLike(data) * (start / 2).exp();
        return prior - Decoder.LogProbability(data, mean, start).flatten(1).mean([1L]);
    }

    // A number whose gradient is that of the mean loss in the ends, and that of E[l²]/E[l] in the path between them.
    private Tensor Pull(double[] times, Tensor losses, Tensor byGamma, Tensor rates)
    {
        var (start, width) = _schedule.Ends();
        var (path, slope) = _schedule.Path(times);
        var byRate = losses / rates; // the loss is linear in γ'
        var ends = (byGamma * (start + width * path.detach()) + byRate * (width * slope.detach())).mean();
        var emphasis = 2 * losses / losses.mean().clamp_min(1e-300);
        var fixedWidth = width.detach();
        return ends + (emphasis * (byGamma * (fixedWidth * path) + byRate * (fixedWidth * slope))).mean();
    }
}
