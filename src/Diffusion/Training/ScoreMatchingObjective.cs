namespace Diffusion.Training;

/// <summary>
/// Score matching without a regression target: what is fitted is the score of the data itself, or that of the data blurred to drawn levels, by ‖s‖² + 2·tr ∇s. Its sibling
/// <see cref="DenoisingObjective"/> has the same minimum at the levels, costs one evaluation instead of a second derivative, and cannot look at clean data.
/// </summary>
/// <remarks>
/// At a level the loss is w·(σ⁴/α²)·(‖s‖² + 2·tr ∇s) a number: the loss of <see cref="DenoisingObjective"/> with the same weighting, less a constant that no network changes. On clean data it is
/// ‖s‖² + 2·tr ∇s a number, twice Hyvärinen's J. It is not bounded by 0. An <c>EnergyNetwork</c> makes the score the gradient of something.
/// </remarks>
public sealed class ScoreMatchingObjective : TrainingObjective
{
    private const int Data = 0, Noise = 1, Input = 2, Skip = 3, Out = 4, Label = 5, Weight = 6, Rows = 7;

    /// <summary>An objective on clean data: the network's output is the score, and its label is always 0.</summary>
    /// <param name="matching">How the trace is computed.</param>
    public ScoreMatchingObjective(ScoreMatching matching)
    {
        ArgumentNullException.ThrowIfNull(matching);
        Matching = matching;
    }

    /// <summary>An objective on noised data, with the weighting σ² on ‖s − ∇ln p_t‖² and uniform times.</summary>
    /// <param name="matching">How the trace is computed.</param>
    /// <param name="schedule">How data turns into noise.</param>
    /// <param name="parameterization">What the network's output means; the score is (αx̂₀ − x)/σ².</param>
    public ScoreMatchingObjective(ScoreMatching matching, NoiseSchedule schedule, Parameterization parameterization) : this(matching)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        ArgumentNullException.ThrowIfNull(parameterization);
        (Schedule, Parameterization) = (schedule, parameterization);
    }

    /// <summary>How the trace is computed.</summary>
    public ScoreMatching Matching { get; }

    /// <summary>How data turns into noise; null on clean data.</summary>
    public NoiseSchedule? Schedule { get; }

    /// <summary>What the network's output means; null on clean data, where it is the score.</summary>
    public Parameterization? Parameterization { get; }

    /// <summary>How much each level counts, as the weight on ‖x̂₀ − x₀‖²; no part of an objective on clean data. Default <see cref="LossWeighting.Snr"/>, which is σ² on the score.</summary>
    public LossWeighting Weighting { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = LossWeighting.Snr;

    /// <summary>Which levels are looked at; no part of an objective on clean data. Default <see cref="TimeDistribution.Uniform"/>.</summary>
    public TimeDistribution Times { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = TimeDistribution.Uniform();

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">x0 is not a floating batch, or the condition is of another batch.</exception>
    /// <exception cref="InvalidOperationException">The score is undefined at a drawn level, or the network's output has another shape than the data or does not depend on it.</exception>
    public override LossTerms Terms(DenoisingNetwork network, Tensor x0, Conditioning? condition, NoiseSource noise)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(noise);
        FactorTable.CheckBatch(x0, condition);
        using var scope = NewDisposeScope();
        var numbers = x0.numel() / x0.shape[0];
        if (Schedule is null)
        {
            var label = zeros(x0.shape[0], x0.dtype, x0.device);
            return Averaged(Matching.Evaluate(x => network.call(x, label, condition).to(x.dtype), x0, noise) / numbers, null);
        }

        var other = noise.NextLike(x0); // before the times, as DenoisingObjective does
        var (factors, levels) = Factors(Times.Draw((int)x0.shape[0], Schedule, noise), Schedule, Parameterization!);
        var table = factors.Upload(x0);
        var state = (x0 * table.Row(Data)).addcmul_(other, table.Row(Noise), 1);
        var matched = Matching.Evaluate(x => (x * table.Row(Skip)).addcmul(network.call(x * table.Row(Input), table.Flat(Label), condition).to(x.dtype), table.Row(Out), 1), state, noise);
        return Averaged(matched * table.Flat(Weight) / numbers, levels);
    }

    private static LossTerms Averaged(Tensor perSample, NoiseLevel[]? levels) => new(perSample.mean().MoveToOuterDisposeScope(), perSample.MoveToOuterDisposeScope(), levels);

    private (FactorTable Table, NoiseLevel[] Levels) Factors(double[] times, NoiseSchedule schedule, Parameterization parameterization)
    {
        var table = new FactorTable(Rows, times.Length);
        var levels = new NoiseLevel[times.Length];
        for (var i = 0; i < times.Length; i++)
        {
            var level = levels[i] = schedule.At(times[i]);
            var (s, variance) = (parameterization.At(level), level.Sigma * level.Sigma);
            // s = (αx̂₀ − x)/σ² with x̂₀ = Skip·x + Out·F; ‖Δs‖² = (α/σ²)²·‖Δx̂₀‖².
            var weight = Weighting.At(level, s) * variance * variance / (level.Alpha * level.Alpha);
            if (!table.TrySet(i, [level.Alpha, level.Sigma, s.In, (level.Alpha * s.Skip - 1) / variance, level.Alpha * s.Out / variance, s.Label, weight]))
                throw new InvalidOperationException(
                    $"The score of the {parameterization.Name} parameterization or its weight is undefined at t = {level.Time:g6} (α = {level.Alpha:g6}, σ = {level.Sigma:g6}). "
                    + "Draw times that keep away from this end, for example TimeDistribution.Uniform(1e-3, 0.999).");
        }

        return (table, levels);
    }
}
