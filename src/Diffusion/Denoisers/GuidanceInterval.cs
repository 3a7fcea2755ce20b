namespace Diffusion.Denoisers;

/// <summary>
/// Asks one denoiser where σ/α lies in an interval and another elsewhere: guidance in a limited interval, which asks the unconditional model only there. (Kynkäänniemi et al. 2024)
/// </summary>
public sealed class GuidanceInterval : DenoiserDecorator
{
    /// <summary>The interval (low, high] of σ/α.</summary>
    /// <param name="inside">Asked where low &lt; σ/α ≤ high: the guided denoiser. Borrowed.</param>
    /// <param name="outside">Asked elsewhere: the conditional model without guidance. Borrowed.</param>
    /// <param name="low">At least 0; 0.28 in the paper for ImageNet-512.</param>
    /// <param name="high">Above low, may be infinite; 2.9 in the paper.</param>
    /// <exception cref="ArgumentException">The denoisers are of different schedules.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The numbers are no interval.</exception>
    public GuidanceInterval(IDenoiser inside, IDenoiser outside, double low, double high) : base(inside, outside)
    {
        if (!(low >= 0) || double.IsInfinity(low)) throw new ArgumentOutOfRangeException(nameof(low), low, "The lower end of σ/α is finite and at least 0.");
        if (!(high > low)) throw new ArgumentOutOfRangeException(nameof(high), high, $"The upper end of σ/α lies above the lower one, {low}.");
        (Low, High) = (low, high);
    }

    /// <summary>The lower end, which does not belong to the interval.</summary>
    public double Low { get; }

    /// <summary>The upper end, which does.</summary>
    public double High { get; }

    /// <inheritdoc/>
    public override Estimate Denoise(Tensor x, NoisePoint at)
    {
        var noise = at.Level.NoiseToSignal;
        return Inner[noise > Low && noise <= High ? 0 : 1].Denoise(x, at);
    }

    /// <inheritdoc/>
    protected override IDenoiser Around(IReadOnlyList<IDenoiser> inner) => new GuidanceInterval(inner[0], inner[1], Low, High);
}
