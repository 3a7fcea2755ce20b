using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>
/// Sines and cosines of 2π·ωᵢ·ln t, or of 2π·ωᵢ·t, with fixed random ωᵢ ~ N(0, scale²) (Tancik et al. 2020; Song et al. 2021,
/// appendix C). The frequencies are saved with the network and not trained.
/// </summary>
internal sealed class FourierEmbedding : nn.Module<Tensor, Tensor>
{
    private readonly bool _ofLogarithm;
    private readonly bool _cosFirst;

    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    /// <param name="frequencies">Number of frequencies.</param>
    /// <param name="scale">Their standard deviation.</param>
    /// <param name="ofLogarithm">Whether the logarithm of the label is embedded.</param>
    /// <param name="cosFirst">Whether cosines come before sines.</param>
    public FourierEmbedding(long frequencies, double scale, bool ofLogarithm = true, bool cosFirst = false) : base(nameof(FourierEmbedding))
    {
        (_ofLogarithm, _cosFirst) = (ofLogarithm, cosFirst);
        // diffusers draws twice for the logarithm and keeps the second: so does this, for the same network from the same seed.
        if (ofLogarithm) randn(frequencies).Dispose();
        _weight = nn.Parameter(randn(frequencies).mul_(scale), requires_grad: false);
        _weight.DetachFromDisposeScope();
        RegisterComponents();
    }

    /// <param name="t">Above zero where its logarithm is taken, [batch].</param>
    public override Tensor forward(Tensor t) // → [batch, 2·frequencies]
    {
        using var scope = NewDisposeScope();
        var label = t.to(float32);
        if (_ofLogarithm) label = label.log();
        var phase = label.unsqueeze(1) * _weight * (2 * Math.PI);
        return (_cosFirst ? cat([phase.cos(), phase.sin()], 1) : cat([phase.sin(), phase.cos()], 1)).MoveToOuterDisposeScope();
    }
}
