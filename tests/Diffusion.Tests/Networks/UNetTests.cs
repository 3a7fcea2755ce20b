using Diffusion.Networks;
using Xunit;

namespace Diffusion.Tests.Networks;

public class UNetTests
{
    public static TheoryData<string> Kinds => ["tiny", "skip", "scale-shift", "no middle", "resnet", "learned", "fourier", "timestep class", "table", "identity"];

    internal static UNetConfig Config(string kind) => kind switch
    {
        "tiny" => UNetConfigs.Tiny,
        "skip" => UNetConfigs.TinySkip,
        "scale-shift" => UNetConfigs.Tiny with { ResnetTimeScaleShift = ResnetTimeScaleShift.ScaleShift, ActFn = Activation.Mish },
        "no middle" => UNetConfigs.Tiny with { HasMidBlock = false },
        "resnet" => UNetConfigs.Tiny with
        {
            DownBlockTypes = [UNetBlockType.Resnet, UNetBlockType.Resnet],
            UpBlockTypes = [UNetBlockType.Resnet, UNetBlockType.Resnet],
            ActFn = Activation.Relu,
        },
        "learned" => UNetConfigs.Tiny with { TimeEmbeddingType = TimeEmbeddingType.Learned, NumTrainTimesteps = 10 },
        "fourier" => UNetConfigs.Tiny with { TimeEmbeddingType = TimeEmbeddingType.Fourier },
        "timestep class" => UNetConfigs.Tiny with { ClassEmbedType = ClassEmbeddingType.Timestep },
        "table" => UNetConfigs.Tiny with { NumClassEmbeds = 5 },
        "identity" => UNetConfigs.Tiny with { ClassEmbedType = ClassEmbeddingType.Identity },
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    internal static (Tensor X, Tensor Label, Conditioning? Condition) Inputs(UNetConfig config, long batch, ScalarType type = ScalarType.Float32)
    {
        var random = new Generator(5);
        var x = randn([batch, config.InChannels, 8, 12], generator: random).to(type);
        var label = arange(1, batch + 1, 1, float32);
        Conditioning? condition = config switch
        {
            { ClassEmbedType: ClassEmbeddingType.Identity } => new() { Vector = randn([batch, config.TimeWidth], generator: random).to(type) },
            { ClassEmbedType: ClassEmbeddingType.Timestep } or { NumClassEmbeds: not null } => new() { ClassLabels = arange(batch, int64) },
            _ => null,
        };
        return (x, label, condition);
    }

    [Fact]
    public void TheCifar10NetworkHasThePublishedNumberOfParameters()
    {
        using var network = new UNet(UNetConfigs.Cifar10);
        Assert.Equal(35_746_307, network.parameters().Sum(p => p.numel()));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void TheResultHasTheShapeOfTheStateWhateverTheKind(string kind)
    {
        using var scope = NewDisposeScope();
        using var network = new UNet(Config(kind) with { OutChannels = kind == "skip" ? 3 : 6 });
        var (x, label, condition) = Inputs(network.Config, 2);
        var result = network.call(x, label, condition);
        Assert.Equal([2L, network.Config.OutChannels, 8L, 12L], result.shape);
        Assert.True(result.isfinite().all().item<bool>());
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void ASampleDoesNotDependOnItsBatch(string kind)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var network = new UNet(Config(kind));
        var (x, label, condition) = Inputs(network.Config, 3);
        var together = network.call(x, label, condition);
        for (var i = 0; i < 3; i++)
        {
            var alone = network.call(x.narrow(0, i, 1), label.narrow(0, i, 1), condition?.Map(t => t.narrow(0, i, 1)));
            // Kernels sum in another order for another batch: rounding only.
            Assert.True((alone[0] - together[i]).abs().max().item<float>() < 1e-5);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void NoiseLabelAndConditionMatter(string kind)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var network = new UNet(Config(kind));
        var (x, label, condition) = Inputs(network.Config, 2);
        var result = network.call(x, label, condition);
        Assert.True((network.call(x, label.add(3), condition) - result).abs().max().item<float>() > 1e-3);
        if (condition is not null)
            Assert.True((network.call(x, label, condition.Map(t => t + 1)) - result).abs().max().item<float>() > 1e-4);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void TheNetworkRunsInOtherTypes(string kind)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var network = new UNet(Config(kind));
        var (x, label, condition) = Inputs(network.Config, 2);
        var single = network.call(x, label, condition);
        foreach (var (type, tolerance) in new[] { (ScalarType.Float64, 1e-5), (ScalarType.BFloat16, 0.1) })
        {
            network.to(type);
            Assert.All(network.state_dict().Values, t => Assert.Equal(type, t.dtype));
            var (x2, label2, condition2) = Inputs(network.Config, 2, type);
            var result = network.call(x2, label2, condition2);
            Assert.Equal(type, result.dtype);
            Assert.True((result.to(float32) - single).abs().max().item<float>() < tolerance);
        }
    }

    [Fact]
    public void GradientsReachTheStateTheConditionAndEveryParameter()
    {
        using var scope = NewDisposeScope();
        using var network = new UNet(Config("identity"));
        var (x, label, condition) = Inputs(network.Config, 2);
        x.requires_grad = true;
        condition!.Vector!.requires_grad = true;
        network.call(x, label, condition).square().sum().backward();
        Assert.True(x.grad!.abs().sum().item<float>() > 0);
        Assert.True(condition.Vector.grad!.abs().sum().item<float>() > 0);
        Assert.All(network.named_parameters(), p => Assert.True(p.parameter.grad is { } g && g.isfinite().all().item<bool>(), p.name));
    }

    [Fact]
    public void TheFrequenciesOfFourierFeaturesAreNotTrained()
    {
        using var network = new UNet(Config("fourier"));
        Assert.False(network.state_dict()["time_proj.weight"].requires_grad);
        Assert.Equal(["time_proj.weight"], network.named_parameters().Where(p => !p.parameter.requires_grad).Select(p => p.name));
    }

    [Fact]
    public void DropoutActsInTrainingOnly()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var network = new UNet(UNetConfigs.Tiny with { Dropout = 0.5 });
        var (x, label, _) = Inputs(network.Config, 2);
        Assert.False(network.call(x, label, null).eq(network.call(x, label, null)).all().item<bool>());
        network.eval();
        Assert.True(network.call(x, label, null).eq(network.call(x, label, null)).all().item<bool>());
    }

    [Fact]
    public void AnImageIsJoinedToTheStateOnTheChannelAxis()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var network = new UNet(UNetConfigs.Tiny with { InChannels = 5 });
        var (joined, label, _) = Inputs(network.Config, 2);
        var whole = network.call(joined, label, null);
        var parts = network.call(joined.narrow(1, 0, 3), label, new Conditioning { Image = joined.narrow(1, 3, 2) });
        Assert.True(whole.eq(parts).all().item<bool>());
    }

    [Fact]
    public void AZeroVectorIsNoCondition()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var conditional = new UNet(Config("identity"));
        using var plain = new UNet(UNetConfigs.Tiny);
        plain.load_state_dict(conditional.state_dict());
        var (x, label, _) = Inputs(plain.Config, 2);
        var zero = new Conditioning { Vector = zeros(2, plain.Config.TimeWidth) };
        Assert.True(plain.call(x, label, null).eq(conditional.call(x, label, zero)).all().item<bool>());
        Assert.True(plain.call(x, label, new Conditioning()).eq(plain.call(x, label, null)).all().item<bool>());
    }

    [Fact]
    public void CenteringMapsTheUnitIntervalToPlusMinusOne()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var centered = new UNet(UNetConfigs.Tiny with { CenterInputSample = true });
        using var plain = new UNet(UNetConfigs.Tiny);
        plain.load_state_dict(centered.state_dict());
        var (x, label, _) = Inputs(plain.Config, 2);
        Assert.True((centered.call(x, label, null) - plain.call(2 * x - 1, label, null)).abs().max().item<float>() < 1e-6);
    }

    [Fact]
    public void TheNetworkOutlivesTheScopeItWasMadeIn()
    {
        UNet network;
        using (NewDisposeScope())
        {
            network = new UNet(UNetConfigs.TinySkip with { NumClassEmbeds = 3 });
            network.to(float64);
            network.to(float32);
        }
        using (network)
        {
            using var scope = NewDisposeScope();
            var (x, label, condition) = Inputs(network.Config, 2);
            Assert.True(network.call(x, label, condition).isfinite().all().item<bool>());
        }
    }
}
