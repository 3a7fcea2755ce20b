namespace Diffusion.Denoisers;

/// <summary>
/// A network, a schedule, a parameterization and a condition make a denoiser: x̂₀ = Skip·x + Out·F(In·x, Label, condition). Borrows all of
/// them and disposes of nothing. A network in training mode is put into evaluation mode for each call and put back.
/// </summary>
/// <param name="network">F. Put it into evaluation mode before several threads share it.</param>
/// <param name="schedule">The schedule that it was trained on.</param>
/// <param name="parameterization">What its output means.</param>
/// <param name="condition">The side information of the batch; null for none.</param>
/// <param name="noiseFromOutput">
/// Whether the estimate carries ε̂ made from the network's output rather than derived from x̂₀: no digits are lost near clean data, for one more pass
/// over the state.
/// </param>
public sealed class NetworkDenoiser(
    DenoisingNetwork network, NoiseSchedule schedule, Parameterization parameterization, Conditioning? condition = null, bool noiseFromOutput = false) : IDenoiser
{
    private readonly DenoisingNetwork _network = network ?? throw new ArgumentNullException(nameof(network));
    private readonly Parameterization _parameterization = parameterization ?? throw new ArgumentNullException(nameof(parameterization));

    /// <inheritdoc/>
    public NoiseSchedule Schedule { get; } = schedule ?? throw new ArgumentNullException(nameof(schedule));

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The parameterization is undefined at this level, or the state's batch is not that of the condition.</exception>
    /// <exception cref="InvalidOperationException">The network returned another shape than [batch, channels or 2·channels, …].</exception>
    public Estimate Denoise(Tensor x, NoisePoint at)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() < 1 || !x.is_floating_point())
            throw new ArgumentException($"The state is {x.dtype} of shape [{string.Join(", ", x.shape)}]; a floating tensor [batch, …] is needed.", nameof(x));
        if (condition?.BatchSize is { } batch && batch != x.shape[0])
            throw new ArgumentException($"The state has {x.shape[0]} samples, the condition {batch}.", nameof(x));
        var scalings = _parameterization.At(at.Level);
        if (!double.IsFinite(scalings.Skip) || !double.IsFinite(scalings.Out) || !double.IsFinite(scalings.In))
            throw new ArgumentException(
                $"The {_parameterization.Name} parameterization is undefined at α = {at.Level.Alpha:g6}, σ = {at.Level.Sigma:g6}. "
                + "Start a little below t = 1, or use a model that predicts v, the velocity or the data.", nameof(at));
        var wasTraining = _network.training;
        if (wasTraining) _network.eval();
        try
        {
            using var scope = NewDisposeScope();
            var label = full(x.shape[0], at.Label ?? scalings.Label, x.dtype, x.device);
            var output = _network.call(scalings.In == 1 ? x : x.mul(scalings.In), label, condition);
            var (prediction, variance) = Split(output, x);
            var data = Estimate.Combine(scalings.Skip, x, scalings.Out, prediction);
            var noise = noiseFromOutput ? NoiseOf(at.Level, scalings, x, prediction) : null;
            return new Estimate(data, noise, variance).MoveToOuterDisposeScope();
        }
        finally
        {
            if (wasTraining) _network.train();
        }
    }

    // ε̂ = (x − α(Skip·x + Out·F))/σ with the factors folded in double.
    private static Tensor NoiseOf(NoiseLevel level, Scalings scalings, Tensor x, Tensor prediction) =>
        Estimate.Combine((1 - level.Alpha * scalings.Skip) / level.Sigma, x, -level.Alpha * scalings.Out / level.Sigma, prediction);

    // Twice the channels: prediction first, variance second (Nichol and Dhariwal 2021).
    private static (Tensor Prediction, Tensor? Variance) Split(Tensor output, Tensor x)
    {
        var (shape, expected) = (output.shape, x.shape);
        if (shape.AsSpan().SequenceEqual(expected)) return (output, null);
        if (shape.Length == expected.Length && shape.Length > 1 && shape[1] == 2 * expected[1])
        {
            var halves = output.chunk(2, 1);
            return (halves[0], halves[1]);
        }

        throw new InvalidOperationException($"The network returned [{string.Join(", ", shape)}] for a state [{string.Join(", ", expected)}]; the same shape, or twice the channels, is needed.");
    }
}
