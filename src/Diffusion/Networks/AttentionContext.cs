namespace Diffusion.Networks;

/// <summary>What attention looks at beside the image: a sequence a sample. Borrows its tensors.</summary>
/// <param name="tokens">[batch, tokens, width], in the type of the network.</param>
/// <param name="bias">Added to the attention scores, [batch, 1, 1, tokens]; null where every token counts.</param>
internal sealed class AttentionContext(Tensor tokens, Tensor? bias)
{
    // exp(−10000) is 0 in every type. Finite, so that a sample all of whose tokens are masked attends to all alike instead of giving NaN.
    private const double Masked = 10_000;

    public Tensor Tokens { get; } = tokens;

    public Tensor? Bias { get; } = bias;

    /// <summary>The bias that hides the tokens which do not count: 0 where the mask is true, −10000 elsewhere.</summary>
    /// <param name="mask">bool [batch, tokens].</param>
    /// <param name="type">Type of the result.</param>
    public static Tensor BiasOf(Tensor mask, ScalarType type) // → [batch, 1, 1, tokens]
    {
        using var scope = NewDisposeScope();
        return mask.to(type).sub(1).mul(Masked).unsqueeze(1).unsqueeze(1).MoveToOuterDisposeScope();
    }

    /// <summary>A part of the tokens, in the caller's scope.</summary>
    public AttentionContext Part(long start, long count) => new(Tokens.narrow(1, start, count), Bias?.narrow(3, start, count));
}
