using Diffusion.Networks;
using Xunit;

namespace Diffusion.Tests.Networks;

/// <summary>What a configuration asks for at the least lies below what the network has, and not far below.</summary>
public class LeastWeightsTests
{
    public static TheoryData<string> Kinds => ConditionalUNetConfigs.Kinds;

    [Fact]
    public void AUNetHasAtLeastThat()
    {
        UNetConfig[] configs =
        [
            UNetConfigs.Tiny, UNetConfigs.TinySkip, UNetConfigs.Tiny with { HasMidBlock = false }, UNetConfigs.Tiny with { NumClassEmbeds = 70 }, UNetConfigs.Tiny with { ClassEmbedType = ClassEmbeddingType.Timestep },
            UNetConfigs.Tiny with { TimeEmbeddingType = TimeEmbeddingType.Learned, NumTrainTimesteps = 500 }, UNetConfigs.Tiny with { LayersPerBlock = 3, ResnetTimeScaleShift = ResnetTimeScaleShift.ScaleShift },
            UNetConfigs.Tiny with { TimeEmbeddingDim = 100 }, UNetPresets.ForImages(3, 32, 10, 16), UNetConfigs.Tiny with { BlockOutChannels = [32, 4], NormNumGroups = 4, AttentionHeadDim = 4 },
        ];
        foreach (var config in configs)
        {
            using var network = new UNet(config);
            Check(network, LeastWeights.Of(config), config.ToJson());
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void AConditionalUNetHasAtLeastThat(string kind)
    {
        var config = ConditionalUNetConfigs.Of(kind);
        using var network = new ConditionalUNet(config);
        Check(network, LeastWeights.Of(config), kind);
    }

    private static void Check(nn.Module network, LeastWeights least, string name)
    {
        var state = network.state_dict();
        var numbers = (UInt128)(ulong)state.Values.Sum(value => value.numel());
        Assert.True(least.Tensors <= (UInt128)state.Count, $"{name}: {least.Tensors} tensors at the least, {state.Count} there");
        Assert.True(least.Numbers <= numbers && numbers <= 8 * least.Numbers + 500_000, $"{name}: {least.Numbers} numbers at the least, {numbers} there"); // a hint's convolutions have 300,000 of their own
    }
}
