namespace Diffusion.Networks;

/// <summary>
/// Sines and cosines of t·ωᵢ with ωᵢ = 10000^(−i/(h − shift)), i = 0 … h − 1, h = width/2 (Vaswani et al. 2017, section 3.5;
/// Ho et al. 2020). No parameters.
/// </summary>
/// <param name="width">Width of the result; an odd one ends in a zero.</param>
/// <param name="cosFirst">Whether cosines come before sines.</param>
/// <param name="shift">0, or 1 where the last frequency shall be 1/10000 exactly.</param>
internal sealed class SinusoidalEmbedding(long width, bool cosFirst, int shift) : nn.Module<Tensor, Tensor>(nameof(SinusoidalEmbedding))
{
    /// <param name="t">[batch], any real type; taken in float32.</param>
    public override Tensor forward(Tensor t) // → float32 [batch, width]
    {
        using var scope = NewDisposeScope();
        var half = width / 2;
        // On the device: a table kept here would become a key of the state dictionary, one from the host would wait.
        var frequencies = arange(0, half, 1, float32, t.device).mul_(-Math.Log(10000)).div_(half - shift).exp_();
        var phase = t.to(float32).unsqueeze(1) * frequencies; // [batch, half]
        var result = cosFirst ? cat([phase.cos(), phase.sin()], 1) : cat([phase.sin(), phase.cos()], 1);
        if (width % 2 == 1) result = nn.functional.pad(result, (0, 1));
        return result.MoveToOuterDisposeScope();
    }
}
