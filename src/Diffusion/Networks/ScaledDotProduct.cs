namespace Diffusion.Networks;

/// <summary>softmax(q·kᵀ/√d)·v in several heads (Vaswani et al. 2017), by libtorch's fused kernels.</summary>
internal static class ScaledDotProduct
{
    /// <param name="q">[batch, tokens, heads·d].</param>
    /// <param name="k">[batch, other tokens, heads·d].</param>
    /// <param name="v">[batch, other tokens, heads·d].</param>
    /// <param name="heads">Number of heads.</param>
    /// <param name="mask">Which of the other tokens count; broadcast over [batch, heads, tokens, other tokens].</param>
    public static Tensor Attend(Tensor q, Tensor k, Tensor v, long heads, Tensor? mask = null) // → [batch, tokens, heads·d]
    {
        using var scope = NewDisposeScope();
        Tensor Split(Tensor t) => t.unflatten(2, heads, -1).transpose(1, 2); // [batch, heads, tokens, d]
        var mixed = nn.functional.scaled_dot_product_attention(Split(q), Split(k), Split(v), mask);
        return mixed.transpose(1, 2).flatten(2).MoveToOuterDisposeScope();
    }
}
