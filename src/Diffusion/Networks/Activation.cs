namespace Diffusion.Networks;

/// <summary>The non-linearity of a network's blocks.</summary>
public enum Activation
{
    /// <summary>x·sigmoid(x), also called swish.</summary>
    Silu,

    /// <summary>x·tanh(softplus(x)).</summary>
    Mish,

    /// <summary>x·Φ(x) with the exact normal distribution function.</summary>
    Gelu,

    /// <summary>max(x, 0).</summary>
    Relu,
}

internal static class ActivationFunction
{
    public static Tensor Apply(this Activation activation, Tensor x) => activation switch
    {
        Activation.Silu => nn.functional.silu(x),
        Activation.Mish => nn.functional.mish(x),
        Activation.Gelu => nn.functional.gelu(x),
        Activation.Relu => nn.functional.relu(x),
        _ => throw new ArgumentOutOfRangeException(nameof(activation), activation, "Not an activation."),
    };
}
