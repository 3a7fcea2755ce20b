namespace Diffusion;

/// <summary>
/// A step of the generative model, p(x_s | x_t) = N(mean of q(x_s | x_t, x̂₀), v) with ln v = Offset + Slope·output of the network, against the posterior q(x_s | x_t, x₀): plain numbers
/// that give the terms of the variational bound. (Ho et al. 2020, eq. 5; Nichol and Dhariwal 2021, eq. 4–7)
/// </summary>
/// <param name="Gain">SNR_s − SNR_t, so that ½·Gain·‖x₀ − x̂₀‖² is the divergence where v is the posterior's variance; 0 for the decoder.</param>
/// <param name="Offset">Of ln(v/β̃); of ln v for the decoder.</param>
/// <param name="Slope">Of the same with the network's variance output; 0 where the variance is fixed.</param>
/// <param name="IsDecoder">Whether the step ends at clean data: p(x₀ | x_t) = N(x̂₀, v).</param>
internal readonly record struct ReverseKernel(double Gain, double Offset, double Slope, bool IsDecoder)
{
    /// <summary>The kernels of a chain of steps.</summary>
    /// <param name="grid">Steps that each begin where the one before ended, and fall in noise.</param>
    /// <param name="variance">The variance of a step.</param>
    /// <param name="decoder">The variance of the step to clean data.</param>
    /// <exception cref="ArgumentException">The steps are no falling chain.</exception>
    public static ReverseKernel[] Of(TimeGrid grid, ReverseVariance variance, DecoderVariance decoder)
    {
        if (!Enum.IsDefined(variance)) throw new ArgumentOutOfRangeException(nameof(variance), variance, "There is no such reverse variance.");
        if (!Enum.IsDefined(decoder)) throw new ArgumentOutOfRangeException(nameof(decoder), decoder, "There is no such decoder variance.");
        var kernels = new ReverseKernel[grid.Count];
        var before = double.NaN; // β̃ of the step before
        for (var i = 0; i < kernels.Length; i++)
        {
            var (from, to) = (grid[i].At.Level, grid[i].To);
            if (i > 0 && from != grid[i - 1].To) throw new ArgumentException($"Step {i} does not begin where step {i - 1} ended: the variational bound is that of one chain.", nameof(grid));
            if (!(to.LogSnr > from.LogSnr)) throw new ArgumentException($"Step {i} runs from log-SNR {from.LogSnr:g6} to {to.LogSnr:g6}; the variational bound needs less noise at the end of every step.", nameof(grid));
            var transition = new Transition(from, to);
            var small = to.IsClean ? i > 0 && decoder == DecoderVariance.PosteriorBefore ? before : transition.ForwardVariance : transition.PosteriorVariance;
            var (offset, slope) = LogVariance(variance, Math.Log(small), Math.Log(transition.ForwardVariance));
            kernels[i] = to.IsClean
                ? new ReverseKernel(0, offset, slope, true)
                : new ReverseKernel(-Exponentials.Expm1(from.LogSnr - to.LogSnr) * Math.Exp(to.LogSnr), offset - Math.Log(small), slope, false);
            before = transition.PosteriorVariance;
        }

        return kernels;
    }

    /// <summary>KL(q ‖ p) of each number in nats: ½(r + e^{−r} − 1 + Gain·e^{−r}(x₀ − x̂₀)²) with r = Offset + Slope·output = ln(v/β̃). Factors and tensors may be broadcast.</summary>
    /// <param name="ratio">r.</param>
    /// <param name="error">x₀ − x̂₀.</param>
    /// <param name="gain">Gain.</param>
    public static Tensor Divergence(Tensor ratio, Tensor error, Tensor gain)
    {
        using var scope = NewDisposeScope();
        var precision = ratio.neg().exp();
        return (ratio + precision - 1 + gain * precision * error.square()).mul(0.5).MoveToOuterDisposeScope();
    }

    /// <summary>−ln N(x₀; x̂₀, v) of each number in nats.</summary>
    /// <param name="logVariance">ln v.</param>
    /// <param name="error">x₀ − x̂₀.</param>
    public static Tensor NegativeLogDensity(Tensor logVariance, Tensor error)
    {
        using var scope = NewDisposeScope();
        return (logVariance + logVariance.neg().exp() * error.square() + Math.Log(2 * Math.PI)).mul(0.5).MoveToOuterDisposeScope();
    }

    // ln v = a + b·output.
    private static (double Offset, double Slope) LogVariance(ReverseVariance variance, double small, double large) => variance switch
    {
        ReverseVariance.Small => (small, 0),
        ReverseVariance.Large => (large, 0),
        ReverseVariance.LearnedRange => ((large + small) / 2, (large - small) / 2),
        _ => (0, 1),
    };
}
