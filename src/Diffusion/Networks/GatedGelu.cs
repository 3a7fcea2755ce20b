using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>(xW + b)·gelu(xV + c), with both products in one linear layer and the exact Gelu: GEGLU of Shazeer (2020).</summary>
internal sealed class GatedGelu : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "proj")]
    private readonly Linear _projection;

    public GatedGelu(long width, long outWidth) : base(nameof(GatedGelu))
    {
        _projection = nn.Linear(width, 2 * outWidth);
        RegisterComponents();
    }

    /// <param name="x">[batch, rows, width].</param>
    public override Tensor forward(Tensor x) // → [batch, rows, outWidth]
    {
        using var scope = NewDisposeScope();
        var halves = PixelProjection.Apply(_projection, x).chunk(2, -1);
        return (halves[0] * nn.functional.gelu(halves[1])).MoveToOuterDisposeScope();
    }
}
