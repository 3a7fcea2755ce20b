namespace Diffusion.Tests.Training;

/// <summary>Equality of tensors to the last bit.</summary>
internal static class ExactEquality
{
    public static bool IsExactly(this Tensor a, Tensor b) =>
        a.dtype == b.dtype && a.shape.AsSpan().SequenceEqual(b.shape) && a.contiguous().bytes.SequenceEqual(b.contiguous().bytes);
}
