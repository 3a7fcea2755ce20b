namespace Diffusion.Training;

/// <summary>
/// The regression that diffusion and flow models are trained by: schedule × parameterization × weighting × times × coupling. The network is
/// shown In·(αx₀ + σx₁) and trained towards a·x₀ + b·x₁ with (a, b) from <see cref="Scalings.Target"/>; the loss is the mean of
/// w·Out²·(F − target)², which is w·‖x̂₀ − x₀‖² a number.
/// </summary>
/// <remarks>
/// All factors are folded in double precision on the host and sent to the device in one small copy a batch, so nothing waits for
/// the device and no digit is lost at small noise. With <see cref="LossWeighting.Likelihood"/> it is ½g²·‖s − ∇ln p(x_t | x₀)‖² a number, the
/// maximum likelihood training of score-based models (Song et al. 2021b, eq. 8); on a variance-exploding schedule with <see cref="TimeDistribution.Ladder"/>
/// and <see cref="LossWeighting.Snr"/> it is the loss of noise-conditional score networks (Song and Ermon 2019, eq. 6), twice and a number.
/// </remarks>
public sealed class DenoisingObjective : TrainingObjective
{
    // Rows of the table of factors, one column a sample.
    private const int InputData = 0, InputNoise = 1, TargetData = 2, TargetNoise = 3, Weight = 4, Label = 5, Dropped = 6, Level = 7, Rows = 8;

    /// <summary>An objective with the simple weighting, uniform times and independent Gaussian noise.</summary>
    /// <param name="schedule">How data turns into noise.</param>
    /// <param name="parameterization">What the network's output means.</param>
    public DenoisingObjective(NoiseSchedule schedule, Parameterization parameterization)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        ArgumentNullException.ThrowIfNull(parameterization);
        Schedule = schedule;
        Parameterization = parameterization;
    }

    /// <summary>How data turns into noise.</summary>
    public NoiseSchedule Schedule { get; }

    /// <summary>What the network's output means.</summary>
    public Parameterization Parameterization { get; }

    /// <summary>How much each level counts. Default <see cref="LossWeighting.Simple"/>.</summary>
    public LossWeighting Weighting { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = LossWeighting.Simple;

    /// <summary>Which levels are looked at. Default <see cref="TimeDistribution.Uniform"/>.</summary>
    public TimeDistribution Times { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = TimeDistribution.Uniform();

    /// <summary>Which noise goes with which data. Default <see cref="Coupling.Independent"/>.</summary>
    public Coupling Coupling { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = Coupling.Independent;

    /// <summary>
    /// The probability with which a sample's condition is dropped, so that the network can be guided (Ho and Salimans 2022). In [0, 1];
    /// default 0; 0.1 is usual.
    /// </summary>
    public double ConditionDropout
    {
        get;
        init => field = value is >= 0 and <= 1 ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "The probability of dropping a condition lies in [0, 1].");
    }

    /// <summary>
    /// A learned log-variance u of each level, with which the loss of a sample is L/eᵘ + u; null for none. Borrowed; it must be on the device of the data. Default null. (Karras et al. 2024)
    /// </summary>
    public LearnedUncertainty? Uncertainty { get; init; }

    /// <summary><see cref="Uncertainty"/>, so that it is trained and saved.</summary>
    public override nn.Module? Module => Uncertainty;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">x0 is not a floating batch, or the condition is of another batch.</exception>
    /// <exception cref="InvalidOperationException">
    /// The parameterization or the weighting is undefined at a drawn level, the condition cannot be dropped, or the network's output has
    /// another shape than the data.
    /// </exception>
    public override LossTerms Terms(DenoisingNetwork network, Tensor x0, Conditioning? condition, NoiseSource noise)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(noise);
        FactorTable.CheckBatch(x0, condition);
        using var scope = NewDisposeScope();
        var coupled = Coupling.Couple(x0, condition, noise);
        var (data, other, given) = (coupled.Data, coupled.Noise, coupled.Condition);
        var batch = (int)data.shape[0];
        var times = Times.DrawWeighted(batch, Schedule, noise);
        var drops = ConditionDropout > 0 && given is { IsEmpty: false };
        var (factors, levels) = Factors(times, drops ? noise : null);
        var table = factors.Upload(data);
        var input = (data * table.Row(InputData)).addcmul_(other, table.Row(InputNoise), 1);
        var target = Mix(factors, table, data, other);
        if (drops) given = given!.Drop(table.Flat(Dropped).gt(0.5));
        var output = network.call(input, table.Flat(Label), given);
        if (!output.shape.AsSpan().SequenceEqual(data.shape))
            throw new InvalidOperationException(
                $"The network returned [{string.Join(", ", output.shape)}] for data [{string.Join(", ", data.shape)}]; the same shape is needed. "
                + "A network that also predicts a variance is trained by a variational objective.");
        // In the type of the data whatever the network computed in: the loss keeps its precision.
        var error = (output.to(data.dtype) - target).square().flatten(1).mean([1L]); // [batch]
        var perSample = error * table.Flat(Weight);
        if (Uncertainty is not null)
        {
            var u = Uncertainty.call(table.Flat(Level)).to(data.dtype);
            perSample = perSample * u.neg().exp() + u;
        }

        return new LossTerms(perSample.mean().MoveToOuterDisposeScope(), perSample.MoveToOuterDisposeScope(), levels);
    }

    /// <summary>
    /// The least loss of a sample at a noise level, w·E‖E[x₀ | x_t] − x₀‖² a number, for <see cref="TrainingSettings.LossFloor"/>: no network can do better
    /// on data of that distribution with independent noise.
    /// </summary>
    /// <param name="leastError">
    /// The mean squared error a number of the best estimate of x₀ at a level: <c>s²σ²/(α²s² + σ²)</c> for Gaussian data of standard deviation s; a
    /// Gaussian mixture computes its own.
    /// </param>
    /// <param name="points">
    /// 0 asks <paramref name="leastError"/> at every level anew. Where that is dear, a number of times, at least 2, spread evenly over [0, 1], at which it is asked now; levels
    /// in between are interpolated.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="points"/> is 1 or negative.</exception>
    public Func<NoiseLevel, double> FloorOf(Func<NoiseLevel, double> leastError, int points = 0)
    {
        ArgumentNullException.ThrowIfNull(leastError);
        if (points is 1 or < 0) throw new ArgumentOutOfRangeException(nameof(points), points, "At least 2 points are needed; 0 asks at every level.");
        double[] table = [.. Enumerable.Range(0, points).Select(i => leastError(Schedule.At((double)i / (points - 1))))];
        return level =>
        {
            var scalings = Parameterization.At(level);
            return Weighting.OfOutput(level, scalings) / (scalings.Out * scalings.Out) * (points == 0 ? leastError(level) : Interpolated(table, level.Time));
        };
    }

    private static double Interpolated(double[] table, double time)
    {
        var place = time * (table.Length - 1);
        var left = Math.Clamp((int)place, 0, table.Length - 2);
        return table[left] + (place - left) * (table[left + 1] - table[left]);
    }

    private (FactorTable Factors, NoiseLevel[] Levels) Factors((double Time, double Weight)[] times, NoiseSource? drops)
    {
        var factors = new FactorTable(Rows, times.Length);
        var levels = new NoiseLevel[times.Length];
        for (var i = 0; i < times.Length; i++)
        {
            var level = levels[i] = Schedule.At(times[i].Time);
            var scalings = Parameterization.At(level);
            var (data, noise) = scalings.Target(level);
            ReadOnlySpan<double> column =
            [
                scalings.In * level.Alpha, scalings.In * level.Sigma, data, noise, times[i].Weight * Weighting.OfOutput(level, scalings), scalings.Label,
                drops is null ? 0 : drops.NextDouble() < ConditionDropout ? 1 : 0,
                Uncertainty is null ? 0 : NoiseLabel.QuarterLogSigma.At(level),
            ];
            if (!factors.TrySet(i, column)) throw Undefined(level, column);
        }

        return (factors, levels);
    }

    private InvalidOperationException Undefined(NoiseLevel level, ReadOnlySpan<double> column) => new(
        $"Training with the {Parameterization.Name} parameterization and this weighting is undefined at t = {level.Time:g6} (α = {level.Alpha:g6}, σ = {level.Sigma:g6}): "
        + $"the target is {column[TargetData]:g6}·x₀ + {column[TargetNoise]:g6}·x₁ with weight {column[Weight]:g6} and label {column[Label]:g6}"
        + (Uncertainty is null ? ". " : $", and the uncertainty is asked at ¼·ln(σ/α) = {column[Level]:g6}. ")
        + "Draw times that keep away from this end, or predict v, the velocity or the data.");

    // a·x₀ + b·x₁ without the passes that a factor of 0 or 1 for the whole batch saves: ε's target is x₁ itself.
    private static Tensor Mix(FactorTable factors, FactorTable.Uploaded table, Tensor data, Tensor noise)
    {
        Tensor Term(Tensor x, int row) => factors.All(row, 1) ? x : x * table.Row(row);
        if (factors.All(TargetData, 0)) return Term(noise, TargetNoise);
        if (factors.All(TargetNoise, 0)) return Term(data, TargetData);
        return (data * table.Row(TargetData)).addcmul_(noise, table.Row(TargetNoise), 1);
    }
}
