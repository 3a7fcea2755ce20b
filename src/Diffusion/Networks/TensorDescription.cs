namespace Diffusion.Networks;

internal static class TensorDescription
{
    /// <summary>Type, shape and device of a tensor, as messages show it: Float32 [2, 3, 8, 8] on cpu.</summary>
    public static string Describe(this Tensor t) => $"{t.dtype} [{string.Join(", ", t.shape)}] on {t.device}";

    /// <summary>Whether two tensors are on one device. TorchSharp's devices have no equality operator.</summary>
    public static bool IsBeside(this Tensor t, Tensor other) =>
        t.device_type == other.device_type && t.device_index == other.device_index;
}
