using TorchSharp.Modules;

namespace Diffusion.Networks;

/// <summary>The one place that makes group normalisations: TorchSharp leaves their parameters uninitialised.</summary>
internal static class GroupNormalization
{
    /// <summary>A group normalisation that starts as the plain one: weight 1, bias 0.</summary>
    /// <exception cref="ArgumentException">The channels cannot be split into that many groups.</exception>
    public static GroupNorm Create(long groups, long channels, double eps)
    {
        if (groups < 1 || channels % groups != 0)
            throw new ArgumentException($"A group normalisation cannot split {channels} channels into {groups} equal groups.", nameof(groups));
        var norm = nn.GroupNorm(groups, channels, eps);
        nn.init.ones_(norm.weight);
        nn.init.zeros_(norm.bias!);
        return norm;
    }
}
