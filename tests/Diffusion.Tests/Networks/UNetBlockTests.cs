using Diffusion.Networks;
using Xunit;

namespace Diffusion.Tests.Networks;

/// <summary>
/// Single layers and blocks against the values that the tests of diffusers record for weights drawn from a seed
/// (tests/models/test_layers_utils.py, tests/models/unets/test_unet_2d_blocks.py): out[0, -1, -3:, -3:].
/// </summary>
public class UNetBlockTests
{
    // Recorded with four digits; the rest is the rounding of other kernels.
    private const double Tolerance = 2e-4;

    private static readonly ResnetOptions Resnet = new(128, 1e-6, Activation.Silu, ResnetTimeScaleShift.Default, 0);
    private static readonly UNetBlockOptions Options = new(Resnet, Groups: 32, HeadWidth: 1, DownsamplePadding: 1);

    public static TheoryData<string, float[]> Layers => new()
    {
        { "downsample", [.9267f, .5878f, .3337f, 1.2321f, -.1191f, -.3984f, -.7532f, -.0715f, -.3913f] },
        { "resnet", [-1.9010f, -.2974f, -.8245f, -1.3533f, .8742f, -.9645f, -2.0584f, 1.3387f, -.4746f] },
        { "resnet shortcut", [.2226f, -1.0791f, -.1629f, .3659f, -.2889f, -1.2376f, .0582f, .9206f, .0044f] },
        { "resnet up", [1.2130f, -.8753f, -.9027f, 1.5783f, -.5362f, -.5001f, 1.0726f, -.7732f, -.4182f] },
        { "resnet down", [-.3002f, -.7135f, .1359f, .0561f, -.7935f, .0113f, -.1766f, -.6714f, -.0436f] },
        { "resnet filtered down", [-.0934f, -.5729f, .0909f, -.2710f, -.5044f, .0243f, -.0665f, -.5267f, -.3136f] },
    };

    public static TheoryData<string, float[]> DownBlocks => new()
    {
        { "plain", [-.0232f, -.9869f, .8054f, -.0637f, -.1688f, -1.4264f, .4470f, -1.3394f, .0904f] },
        { "resnet", [.0710f, .2410f, -.7320f, -1.0757f, -1.1343f, .3540f, -.0133f, -.2576f, .0948f] },
        { "attention", [.0636f, .8964f, -.6234f, -1.0131f, .0844f, .4935f, .3437f, .0911f, -.2957f] },
        { "skip", [-.0845f, -.2087f, -.2465f, .0971f, .1900f, -.0484f, .2664f, .4179f, .5069f] },
        { "attention skip", [.5539f, .1609f, .4924f, .0537f, -.1995f, .4050f, .0979f, -.2721f, -.0642f] },
    };

    public static TheoryData<string, float[]> UpBlocks => new()
    {
        { "plain", [-.2041f, -.4165f, -.3022f, .0041f, -.6628f, -.7053f, .1928f, -.0325f, .0523f] },
        { "resnet", [.2287f, .3549f, -.1346f, .4797f, -.1715f, -.9649f, .7305f, -.5864f, -.6244f] },
        { "attention", [.0979f, .1326f, .0021f, .0659f, .2249f, .0059f, .1132f, .5952f, .1033f] },
        { "skip", [-.0893f, -.1234f, -.1506f, -.0332f, .0123f, -.0211f, .0566f, .0143f, .0362f] },
        { "attention skip", [.0361f, .0617f, .2787f, -.0350f, .0342f, .3421f, -.0843f, .0913f, .3015f] },
    };

    [Theory]
    [MemberData(nameof(Layers))]
    public void LayersGiveTheRecordedValues(string kind, float[] expected)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        manual_seed(0);
        var x = randn(1, 32, 64, 64);
        if (kind == "downsample")
        {
            using var downsample = new Downsample(32, padding: 1);
            AssertCorner(expected, downsample.call(x, null));
            return;
        }
        var time = nn.functional.silu(randn(1, 128));
        var resampling = kind switch
        {
            "resnet up" => Resampling.Up,
            "resnet down" => Resampling.Down,
            "resnet filtered down" => Resampling.FilteredDown,
            _ => Resampling.None,
        };
        using var block = new ResnetBlock(32, 32, 32, 32, Resnet, resampling, shortcut: kind == "resnet shortcut");
        AssertCorner(expected, block.call(x, time));
    }

    [Fact]
    public void UpsampleGivesTheRecordedValues()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        manual_seed(0);
        var x = randn(1, 32, 32, 32);
        using var upsample = new Upsample(32);
        AssertCorner([.7145f, 1.3773f, .3492f, .8448f, 1.0839f, -.3341f, .5956f, .1250f, -.4841f], upsample.call(x, null));
    }

    [Theory]
    [MemberData(nameof(DownBlocks))]
    public void LevelsOnTheWayDownGiveTheRecordedValues(string kind, float[] expected)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        manual_seed(0);
        var h = randn(4, 32, 32, 32);
        var time = nn.functional.silu(randn(4, 128));
        var image = kind.Contains("skip", StringComparison.Ordinal) ? randn(4, 3, 32, 32) : h;
        using DownBlock block = kind switch
        {
            "skip" => new SkipDownBlock(Options, 32, 32, 1, attention: false, halves: true),
            "attention skip" => new SkipDownBlock(Options, 32, 32, 1, attention: true, halves: true),
            _ => new PlainDownBlock(Options, 32, 32, 1, kind == "attention", kind == "resnet" ? UNetResamplingType.Resnet : UNetResamplingType.Convolution),
        };
        var skips = new Stack<Tensor>();
        var result = block.Run(h, time, skips, ref image);
        AssertCorner(expected, result);
        Assert.Equal(2, skips.Count);
        Assert.Same(result, skips.Peek());
    }

    [Fact]
    public void TheMiddleGivesTheRecordedValues()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        manual_seed(0);
        var h = randn(4, 32, 32, 32);
        var time = nn.functional.silu(randn(4, 128));
        using var block = new MidBlock(32, Resnet, 32, attention: true, headWidth: 1, attentionGroups: 32);
        AssertCorner([-.1062f, 1.7248f, .3494f, 1.4569f, -.0910f, -1.2421f, -.9984f, .6736f, 1.0028f], block.call(h, time));
    }

    [Theory]
    [MemberData(nameof(UpBlocks))]
    public void LevelsOnTheWayUpGiveTheRecordedValues(string kind, float[] expected)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        manual_seed(0);
        var h = randn(4, 32, 32, 32);
        var time = nn.functional.silu(randn(4, 128));
        manual_seed(1); // the recording draws the skip from a second seed, and the weights after it
        var skips = new Stack<Tensor>([randn(4, 32, 32, 32)]);
        using UpBlock block = kind switch
        {
            "skip" => new SkipUpBlock(Options, 32, 32, 32, 1, attention: false, doubles: true),
            "attention skip" => new SkipUpBlock(Options, 32, 32, 32, 1, attention: true, doubles: true),
            _ => new PlainUpBlock(Options, 32, 32, 32, 1, kind == "attention", kind == "resnet" ? UNetResamplingType.Resnet : UNetResamplingType.Convolution),
        };
        Tensor? image = null;
        AssertCorner(expected, block.Run(h, time, skips, ref image));
        Assert.Empty(skips);
        if (kind.Contains("skip", StringComparison.Ordinal)) Assert.Equal([4L, 3L, 32L, 32L], image!.shape);
        else Assert.Null(image);
    }

    private static void AssertCorner(float[] expected, Tensor result)
    {
        var (channels, height, width) = (result.shape[1], result.shape[2], result.shape[3]);
        var corner = result[0][channels - 1].narrow(0, height - 3, 3).narrow(1, width - 3, 3).contiguous().data<float>().ToArray();
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], corner[i], Tolerance);
    }
}
