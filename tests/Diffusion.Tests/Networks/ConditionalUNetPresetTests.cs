using Diffusion.Networks;
using Xunit;

namespace Diffusion.Tests.Networks;

public class ConditionalUNetPresetTests
{
    public static TheoryData<ConditionalUNetConfig, long> Published => new()
    {
        { ConditionalUNetPresets.StableDiffusion1, 859_520_964 },
        { ConditionalUNetPresets.StableDiffusion1Inpainting, 859_520_964 + 5 * 320 * 9 },
        { ConditionalUNetPresets.StableDiffusion2, 865_910_724 },
        { ConditionalUNetPresets.StableDiffusionXl, 2_567_463_684 },
    };

    [Theory]
    [MemberData(nameof(Published))]
    public void PresetsHaveThePublishedNumberOfParameters(ConditionalUNetConfig config, long expected) => Assert.Equal(expected, Count(config));

    [Fact]
    public void EveryPresetIsWrittenAndRead()
    {
        foreach (var config in new[]
        {
            ConditionalUNetPresets.StableDiffusion1, ConditionalUNetPresets.StableDiffusion1Inpainting, ConditionalUNetPresets.StableDiffusion2,
            ConditionalUNetPresets.StableDiffusionXl, ConditionalUNetPresets.StableDiffusionUpscaler4,
        })
            Assert.Equal(config, ConditionalUNetConfig.FromJson(config.ToJson()));
        // 473.4 M in the published upscaler.
        Assert.InRange(Count(ConditionalUNetPresets.StableDiffusionUpscaler4), 473_000_000, 474_000_000);
    }

    // With all channels s times some base, every weight has s², s or 1 times as many numbers: three small networks fix the polynomial, and
    // the published one is its value, without the gigabytes. Groups and heads do not count.
    private static long Count(ConditionalUNetConfig config)
    {
        var first = config.BlockOutChannels[0]; // the others are multiples of it
        long At(int s)
        {
            using var small = new ConditionalUNet(config with
            {
                BlockOutChannels = [.. config.BlockOutChannels.Select(c => c / first * s)],
                NormNumGroups = 1,
                AttentionHeads = [1],
            });
            return small.parameters().Sum(p => p.numel());
        }
        var (two, three, four) = (At(2), At(3), At(4));
        var square = (four - 2 * three + two) / 2;
        var linear = three - two - 5 * square;
        return square * first * first + linear * first + (two - 4 * square - 2 * linear);
    }
}
