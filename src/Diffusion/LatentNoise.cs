namespace Diffusion;

/// <summary>
/// γ of a stochastic interpolant x_t = α(t)·x₀ + β(t)·x₁ + γ(t)·z: noise between the ends, over and above what the ends bring. (Albergo, Boffi and Vanden-Eijnden 2023) Immutable and thread-safe.
/// </summary>
public abstract class LatentNoise
{
    private protected LatentNoise()
    {
    }

    /// <summary>γ and dγ/dt at a time.</summary>
    /// <param name="time">In [0, 1], 0 data and 1 noise.</param>
    /// <returns>γ, at least 0; dγ/dt, which may be infinite at the ends.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="time"/> lies outside [0, 1].</exception>
    public (double Gamma, double GammaDot) At(double time)
    {
        if (!(time >= 0 && time <= 1)) throw new ArgumentOutOfRangeException(nameof(time), time, "A time lies in [0, 1]: 0 is data, 1 is noise.");
        return Value(time);
    }

    /// <summary>γ = 0: the ends alone, as in diffusion, rectified flow and flow matching.</summary>
    public static LatentNoise None { get; } = new OfTime(static _ => (0, 0));

    /// <summary>γ = σ: conditional flow matching around the path. (Tong et al. 2024, eq. 14)</summary>
    /// <param name="sigma">σ, at least 0 and finite.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="sigma"/> is negative or not finite.</exception>
    public static LatentNoise Constant(double sigma)
    {
        Check(sigma);
        return new OfTime(_ => (sigma, 0));
    }

    /// <summary>γ = σ√(t(1 − t)): a Brownian bridge, the path of the Schrödinger bridge. Its slope is infinite at the ends.</summary>
    /// <inheritdoc cref="Constant" path="/param|/exception"/>
    public static LatentNoise BrownianBridge(double sigma)
    {
        Check(sigma);
        return new OfTime(t =>
        {
            var root = Math.Sqrt(t * (1 - t));
            return (sigma * root, sigma == 0 ? 0 : sigma * (1 - 2 * t) / (2 * root));
        });
    }

    /// <summary>γ = σ·sin²(πt): smooth at the ends.</summary>
    /// <inheritdoc cref="Constant" path="/param|/exception"/>
    public static LatentNoise SineSquared(double sigma)
    {
        Check(sigma);
        return new OfTime(t => (sigma * Math.Pow(Math.Sin(Math.PI * t), 2), sigma * Math.PI * Math.Sin(2 * Math.PI * t)));
    }

    /// <summary>A γ of your own.</summary>
    /// <param name="gamma">γ, at least 0.</param>
    /// <param name="gammaDot">dγ/dt.</param>
    public static LatentNoise Of(Func<double, double> gamma, Func<double, double> gammaDot)
    {
        ArgumentNullException.ThrowIfNull(gamma);
        ArgumentNullException.ThrowIfNull(gammaDot);
        return new OfTime(t => (gamma(t), gammaDot(t)));
    }

    /// <summary>γ and dγ/dt at a time in [0, 1].</summary>
    private protected abstract (double Gamma, double GammaDot) Value(double time);

    private static void Check(double sigma)
    {
        if (!(sigma >= 0) || !double.IsFinite(sigma)) throw new ArgumentOutOfRangeException(nameof(sigma), sigma, "σ must be finite and at least 0.");
    }

    private sealed class OfTime(Func<double, (double, double)> value) : LatentNoise
    {
        private protected override (double Gamma, double GammaDot) Value(double time) => value(time);
    }
}
