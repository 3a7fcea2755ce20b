namespace Diffusion.Networks;

/// <summary>softmax(q·kᵀ/√d)·v in several heads (Vaswani et al. 2017), by libtorch's fused kernels.</summary>
internal static class ScaledDotProduct
{
    // Of tokens: the table of weights is kept for the gradient, so long sequences go through the kernel that never stores it.
    private const long MostPairs = 1024 * 1024;

    /// <param name="q">[batch, tokens, heads·d].</param>
    /// <param name="k">[batch, other tokens, heads·d].</param>
    /// <param name="v">[batch, other tokens, heads·d].</param>
    /// <param name="heads">Number of heads.</param>
    /// <param name="mask">Which of the other tokens count; broadcast over [batch, heads, tokens, other tokens].</param>
    public static Tensor Attend(Tensor q, Tensor k, Tensor v, long heads, Tensor? mask = null) // → [batch, tokens, heads·d]
    {
        using var scope = NewDisposeScope();
        Tensor Split(Tensor t) => t.unflatten(2, heads, -1).transpose(1, 2); // [batch, heads, tokens, d]
        if (mask is null && q.device_type == DeviceType.CPU && q.dtype == ScalarType.BFloat16 && q.shape[1] * k.shape[1] <= MostPairs)
            return Products(Split(q), Split(k), Split(v)).transpose(1, 2).flatten(2).MoveToOuterDisposeScope();
        var mixed = nn.functional.scaled_dot_product_attention(Split(q), Split(k), Split(v), mask);
        return mixed.transpose(1, 2).flatten(2).MoveToOuterDisposeScope();
    }

    // The fused kernel computes in float32 throughout; in bfloat16 two plain products are three times as fast. The softmax stays in float32.
    private static Tensor Products(Tensor q, Tensor k, Tensor v) // [batch, heads, tokens, d]
    {
        var (batch, heads, width) = (q.shape[0], q.shape[1], q.shape[3]);
        var scores = bmm(q.flatten(0, 1) * (1 / Math.Sqrt(width)), k.flatten(0, 1).transpose(1, 2));
        var weights = nn.functional.softmax(scores, -1, ScalarType.Float32).to(v.dtype);
        return bmm(weights, v.flatten(0, 1)).unflatten(0, batch, heads);
    }
}
