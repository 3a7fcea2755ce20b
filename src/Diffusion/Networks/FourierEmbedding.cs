using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>
/// Sines and cosines of 2π·ωᵢ·ln t with fixed random ωᵢ ~ N(0, scale²) (Tancik et al. 2020; Song et al. 2021, appendix C).
/// The frequencies are saved with the network and not trained.
/// </summary>
internal sealed class FourierEmbedding : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    public FourierEmbedding(long frequencies, double scale) : base(nameof(FourierEmbedding))
    {
        // diffusers draws twice and keeps the second: so does this, for the same network from the same seed.
        randn(frequencies).Dispose();
        _weight = nn.Parameter(randn(frequencies).mul_(scale), requires_grad: false);
        _weight.DetachFromDisposeScope();
        RegisterComponents();
    }

    /// <param name="t">Above zero, [batch].</param>
    public override Tensor forward(Tensor t) // → [batch, 2·frequencies]
    {
        using var scope = NewDisposeScope();
        var phase = t.to(float32).log().unsqueeze(1) * _weight * (2 * Math.PI);
        return cat([phase.sin(), phase.cos()], 1).MoveToOuterDisposeScope();
    }
}
