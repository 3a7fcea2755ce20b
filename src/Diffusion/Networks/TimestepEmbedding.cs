using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>Two linear layers with an activation between them: from the features of a noise label to the vector that blocks are given.</summary>
internal sealed class TimestepEmbedding : nn.Module<Tensor, Tensor>
{
    private readonly Activation _activation;
    private readonly Activation? _postActivation;

    [ComponentName(Name = "linear_1")]
    private readonly Linear _linear1;

    [ComponentName(Name = "cond_proj")]
    private readonly Linear? _guidance;

    [ComponentName(Name = "linear_2")]
    private readonly Linear _linear2;

    /// <param name="inWidth">Width of the features.</param>
    /// <param name="width">Width of the result.</param>
    /// <param name="activation">Between the layers.</param>
    /// <param name="postActivation">After them; null for none.</param>
    /// <param name="guidanceWidth">Width of an embedded guidance scale that is added to the features; null for none.</param>
    public TimestepEmbedding(
        long inWidth, long width, Activation activation = Activation.Silu, Activation? postActivation = null, long? guidanceWidth = null)
        : base(nameof(TimestepEmbedding))
    {
        (_activation, _postActivation) = (activation, postActivation);
        _linear1 = nn.Linear(inWidth, width);
        if (guidanceWidth is { } from) _guidance = nn.Linear(from, inWidth, hasBias: false);
        _linear2 = nn.Linear(width, width);
        RegisterComponents();
    }

    /// <param name="features">[batch, inWidth].</param>
    public override Tensor forward(Tensor features) => Embed(features, null); // → [batch, width]

    /// <summary>Embeds features and a guidance scale (Meng et al. 2023).</summary>
    /// <param name="features">[batch, inWidth].</param>
    /// <param name="guidance">The embedded scale, [batch, guidanceWidth]; null for none.</param>
    public Tensor Embed(Tensor features, Tensor? guidance) // → [batch, width]
    {
        using var scope = NewDisposeScope();
        if (guidance is not null) features = features + _guidance!.call(guidance);
        var result = _linear2.call(_activation.Apply(_linear1.call(features)));
        if (_postActivation is { } post) result = post.Apply(result);
        return result.MoveToOuterDisposeScope();
    }
}
