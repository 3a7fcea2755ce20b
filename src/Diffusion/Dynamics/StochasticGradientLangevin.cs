namespace Diffusion.Dynamics;

/// <summary>
/// Stochastic gradient Langevin dynamics: x ← x + ½ε_k·ĝ_k(x) + √(ε_k·T)·z, where ĝ_k is an unbiased estimate of ∇ln p from a part of the data that changes
/// from step to step. With falling steps it samples from p^{1/T}. Immutable. (Welling and Teh 2011)
/// </summary>
public sealed class StochasticGradientLangevin
{
    private readonly Func<Tensor, int, Tensor> _gradient;
    private readonly Func<int, double> _stepSize;

    /// <summary>The dynamics of a gradient estimate.</summary>
    /// <param name="gradient">ĝ_k: borrows the state [batch, …] and is told k from 0; returns a fresh tensor of the state's shape.</param>
    /// <param name="stepSize">ε_k, positive; <see cref="Falling"/> makes the published one.</param>
    /// <param name="temperature">T, at least 0.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="temperature"/> is negative or not finite.</exception>
    public StochasticGradientLangevin(Func<Tensor, int, Tensor> gradient, Func<int, double> stepSize, double temperature = 1)
    {
        ArgumentNullException.ThrowIfNull(gradient);
        ArgumentNullException.ThrowIfNull(stepSize);
        LangevinSettings.CheckTemperature(temperature);
        _gradient = gradient;
        _stepSize = stepSize;
        Temperature = temperature;
    }

    /// <summary>T.</summary>
    public double Temperature { get; }

    /// <summary>ε_k = first·(1 + k/delay)^{−power}: the steps sum to infinity and their squares do not, for powers in (½, 1].</summary>
    /// <param name="first">ε_0, positive.</param>
    /// <param name="delay">How many steps pass before the fall shows, positive.</param>
    /// <param name="power">At least 0; 0 keeps the step size, 0.55 is common.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public static Func<int, double> Falling(double first, double delay, double power = 0.55)
    {
        LangevinSettings.CheckStepSize(first);
        if (!(delay > 0) || !double.IsFinite(delay)) throw new ArgumentOutOfRangeException(nameof(delay), delay, "The delay must be positive and finite.");
        if (!(power >= 0) || !double.IsFinite(power)) throw new ArgumentOutOfRangeException(nameof(power), power, "The power must be finite and at least 0.");
        return k => first * Math.Pow(1 + k / delay, -power);
    }

    /// <summary>Runs chains, one a sample of the batch.</summary>
    /// <param name="start">Where they start [batch, …], floating; borrowed.</param>
    /// <param name="steps">Number of steps, at least 0.</param>
    /// <param name="noise">Where random numbers come from.</param>
    /// <param name="onStep">Sees the number of steps done and the state, borrowed; null for none.</param>
    /// <param name="cancellationToken">Looked at before every step.</param>
    /// <returns>Where they end, fresh in the caller's scope.</returns>
    /// <exception cref="ArgumentException">The start is not a floating batch.</exception>
    /// <exception cref="InvalidOperationException">A step size is not positive and finite.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    public Tensor Sample(Tensor start, int steps, NoiseSource noise, Action<int, Tensor>? onStep = null, CancellationToken cancellationToken = default) =>
        Chains.Run(start, steps, noise, (x, k) =>
        {
            var size = _stepSize(k);
            if (!(size > 0) || !double.IsFinite(size)) throw new InvalidOperationException($"The size of step {k} is {size}; it must be positive and finite.");
            return x.add(_gradient(x, k), alpha: size / 2).add_(noise.NextLike(x), alpha: Math.Sqrt(size * Temperature));
        }, onStep, cancellationToken);
}
