using TorchSharp.Modules;

namespace Diffusion.Networks;

/// <summary>
/// Starts a network at zero: the last layer of every residual branch, and the last layer of all (Ho et al. 2020; Dhariwal and Nichol 2021).
/// </summary>
internal static class ZeroBranches
{
    /// <param name="network">The network, fresh.</param>
    /// <param name="last">Its last layer.</param>
    public static void Apply(nn.Module network, Conv2d last)
    {
        foreach (var module in network.modules())
        {
            switch (module)
            {
                case ResnetBlock block: Zero(block.Output); break;
                case ImageAttention attention: Zero(attention.Output); break;
                case AddedContextAttention attention: Zero(attention.Output); break;
                case SpatialTransformer transformer: Zero(transformer.Output); break;
            }
        }
        Zero(last);
    }

    private static void Zero(nn.Module layer)
    {
        foreach (var parameter in layer.parameters()) nn.init.zeros_(parameter);
    }
}
