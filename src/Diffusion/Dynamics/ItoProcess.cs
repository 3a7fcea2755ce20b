namespace Diffusion.Dynamics;

/// <summary>
/// An equation dx = a(x, t) dt + b(x, t) dw in the sense of Itô, with any drift and a noise of its own for each number. It can be simulated and nothing else: an
/// equation that is not linear in x has no α and σ, so nothing can be trained on it or denoised. One that is linear makes a
/// <c>LinearSdeSchedule</c>. Immutable; as thread-safe as its functions.
/// </summary>
public sealed class ItoProcess
{
    private readonly Func<Tensor, double, Tensor> _drift;
    private readonly Func<Tensor, double, Tensor> _diffusion;

    /// <summary>The equation of two functions. Each borrows the state [batch, …] and returns a fresh tensor that broadcasts to its shape.</summary>
    /// <param name="drift">a(x, t).</param>
    /// <param name="diffusion">b(x, t); its square is the rate at which variance grows.</param>
    public ItoProcess(Func<Tensor, double, Tensor> drift, Func<Tensor, double, Tensor> diffusion)
    {
        ArgumentNullException.ThrowIfNull(drift);
        ArgumentNullException.ThrowIfNull(diffusion);
        _drift = drift;
        _diffusion = diffusion;
    }

    /// <summary>The forward equation dx = f(t)·x dt + g(t) dw of a schedule, on its times [0, 1].</summary>
    /// <param name="schedule">Must have a finite f and g² at the times that are simulated.</param>
    public static ItoProcess Forward(NoiseSchedule schedule)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        static double Finite(double value, double time) => double.IsFinite(value) ? value
            : throw new InvalidOperationException($"The forward equation has no finite coefficients at t = {time:g6}, where no data is left. Stop a little before.");
        return new ItoProcess(
            (x, t) => x.mul(Finite(schedule.At(t).Drift, t)),
            (x, t) => full(1, Math.Sqrt(Finite(schedule.At(t).DiffusionSquared, t)), x.dtype, x.device));
    }

    /// <summary>Overdamped Langevin dynamics dx = ∇ln p dt + √(2T) dw, whose stationary density is p^{1/T}: e^{−U/T} for ln p = −U.</summary>
    /// <param name="score">∇ln p at a state: borrows [batch, …], returns a fresh tensor of that shape.</param>
    /// <param name="temperature">T, at least 0 and finite.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="temperature"/> is negative or not finite.</exception>
    public static ItoProcess Langevin(Func<Tensor, Tensor> score, double temperature = 1)
    {
        ArgumentNullException.ThrowIfNull(score);
        LangevinSettings.CheckTemperature(temperature);
        return new ItoProcess((x, _) => score(x), (x, _) => full(1, Math.Sqrt(2 * temperature), x.dtype, x.device));
    }

    /// <summary>Simulates paths.</summary>
    /// <param name="start">The states at the first time [batch, …], floating; borrowed.</param>
    /// <param name="times">At least two, rising.</param>
    /// <param name="noise">Where random numbers come from: one normal a step, of the shape of the state.</param>
    /// <param name="scheme">How to step.</param>
    /// <param name="onStep">Sees each time and state after a step, borrowed; null for none.</param>
    /// <param name="cancellationToken">Looked at before every step.</param>
    /// <returns>The states at the last time, fresh in the caller's scope.</returns>
    /// <exception cref="ArgumentException">The start is not a floating batch, or the times do not rise.</exception>
    /// <exception cref="OperationCanceledException">The simulation was cancelled.</exception>
    public Tensor Simulate(Tensor start, ReadOnlySpan<double> times, NoiseSource noise, SdeScheme scheme = SdeScheme.EulerMaruyama,
        Action<double, Tensor>? onStep = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(noise);
        LangevinSettings.CheckStart(start);
        if (times.Length < 2) throw new ArgumentException($"{times.Length} times were given; a simulation needs a first and a last.", nameof(times));
        for (var i = 1; i < times.Length; i++)
            if (!(times[i] > times[i - 1])) throw new ArgumentException($"The times must rise, but {times[i]} follows {times[i - 1]}.", nameof(times));
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var x = start;
        for (var i = 1; i < times.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var next = Step(x, times[i - 1], times[i], noise, scheme);
            if (!ReferenceEquals(x, start)) x.Dispose();
            x = next;
            onStep?.Invoke(times[i], x);
        }

        return x.MoveToOuterDisposeScope();
    }

    private Tensor Step(Tensor x, double from, double to, NoiseSource noise, SdeScheme scheme)
    {
        using var scope = NewDisposeScope();
        var length = to - from;
        var drift = _drift(x, from);
        // The b of Itô's integral is that of the state before the step; halfway in time it is right to second order where it depends on time alone.
        var diffusion = _diffusion(x, scheme == SdeScheme.Heun ? from + length / 2 : from);
        var jump = noise.NextLike(x).mul_(diffusion).mul_(Math.Sqrt(length));
        var next = scheme switch
        {
            SdeScheme.EulerMaruyama => jump.add(x).add_(drift, alpha: length),
            SdeScheme.Heun => jump.add(x).add_(drift, alpha: length / 2).add_(_drift(jump.add(x).add_(drift, alpha: length), to), alpha: length / 2),
            _ => throw new ArgumentOutOfRangeException(nameof(scheme), scheme, "There is no such scheme."),
        };
        return next.MoveToOuterDisposeScope();
    }
}
