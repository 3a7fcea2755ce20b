namespace Diffusion.Training;

/// <summary>
/// Pairs drawn from the entropic transport plan of a batch. With ε = 2σ² and a Brownian-bridge path of σ the plan is that of the Schrödinger bridge. Pairs are drawn with
/// replacement: data, noise and conditions move together, and some of a batch come twice while others are left out. (Cuturi 2013; Tong et al. 2024, "SB-CFM")
/// </summary>
public sealed class EntropicTransportCoupling : TransportCoupling
{
    /// <summary>The plan of a regularization.</summary>
    /// <param name="regularization">ε, in the unit of squared distances, positive: small is <see cref="OptimalTransportCoupling"/>, large is independent.</param>
    /// <param name="inner">What is rearranged: independent noise if null; <see cref="Coupling.Paired"/> for two kinds of data.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="regularization"/> is not positive and finite.</exception>
    public EntropicTransportCoupling(double regularization, Coupling? inner = null) : base(inner)
    {
        if (!(regularization > 0) || !double.IsFinite(regularization)) throw new ArgumentOutOfRangeException(nameof(regularization), regularization, "The regularization must be positive and finite.");
        Regularization = regularization;
    }

    /// <summary>The plan of the Schrödinger bridge between the ends, whose reference is Brownian motion of variance σ²: ε = 2σ².</summary>
    /// <param name="sigma">σ, positive; that of the path.</param>
    /// <param name="inner">What is rearranged: independent noise if null; <see cref="Coupling.Paired"/> for two kinds of data.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="sigma"/> is not positive and finite.</exception>
    public static EntropicTransportCoupling SchrodingerBridge(double sigma, Coupling? inner = null)
    {
        if (!(sigma > 0) || !double.IsFinite(2 * sigma * sigma)) throw new ArgumentOutOfRangeException(nameof(sigma), sigma, "σ must be positive and finite.");
        return new EntropicTransportCoupling(2 * sigma * sigma, inner);
    }

    /// <summary>ε.</summary>
    public double Regularization { get; }

    /// <summary>How far the marginals of a batch's plan may be off, in all; positive. Default 1e-4.</summary>
    public double Tolerance { get; init => field = value > 0 && double.IsFinite(value) ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "A tolerance must be positive and finite."); } = 1e-4;

    /// <summary>Iterations after which a plan counts as not found, at least 1. Default 10,000.</summary>
    public int MaxIterations { get; init => field = value >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "At least one iteration is needed."); } = 10_000;

    private protected override (long[]? Data, long[] Noise) Match(double[] cost, int count, NoiseSource noise)
    {
        var pairs = EntropicPlan.Solve(cost, count, count, Regularization, Tolerance, MaxIterations).Draw(count, noise);
        return (Array.ConvertAll(pairs, p => (long)p.Row), Array.ConvertAll(pairs, p => (long)p.Column));
    }
}
