using Diffusion.Networks;
using Xunit;

namespace Diffusion.Tests.Networks;

public class ConditionalUNetTests
{
    public static TheoryData<string> Kinds => ConditionalUNetConfigs.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    public void TheResultHasTheShapeOfTheStateWhateverTheKind(string kind)
    {
        using var scope = NewDisposeScope();
        using var network = new ConditionalUNet(ConditionalUNetConfigs.Of(kind) with { OutChannels = 6 });
        var (x, label, condition) = ConditionalUNetConfigs.Inputs(network.Config, 2);
        var result = network.call(x, label, condition);
        Assert.Equal([2L, 6L, 8L, 12L], result.shape);
        Assert.True(result.isfinite().all().item<bool>());
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void ASampleDoesNotDependOnItsBatch(string kind)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var network = new ConditionalUNet(ConditionalUNetConfigs.Of(kind));
        var (x, label, condition) = ConditionalUNetConfigs.Inputs(network.Config, 3);
        var together = network.call(x, label, condition);
        for (var i = 0; i < 3; i++)
        {
            var alone = network.call(x.narrow(0, i, 1), label.narrow(0, i, 1), condition.Map(t => t.narrow(0, i, 1)));
            // Kernels sum in another order for another batch: rounding only.
            Assert.True((alone[0] - together[i]).abs().max().item<float>() < 1e-5);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void NoiseLabelAndEveryConditionMatter(string kind)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var network = new ConditionalUNet(ConditionalUNetConfigs.Of(kind));
        var (x, label, condition) = ConditionalUNetConfigs.Inputs(network.Config, 2);
        var result = network.call(x, label, condition);
        Assert.True((network.call(x, label.add(3), condition) - result).abs().max().item<float>() > 1e-4);
        var given = condition.Tensors().Where(t => t is not null).ToList();
        for (var i = 0; i < given.Count; i++)
        {
            // Not a shift of all numbers alike, which a normalisation takes out.
            var at = 0;
            var other = condition.Map(t => at++ == i ? t.is_floating_point() ? t * 1.5 + t.roll(1, 0) : t + 1 : t.alias());
            Assert.True((network.call(x, label, other) - result).abs().max().item<float>() > 1e-6, $"condition {i}");
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void TheNetworkRunsInOtherTypes(string kind)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var network = new ConditionalUNet(ConditionalUNetConfigs.Of(kind));
        var (x, label, condition) = ConditionalUNetConfigs.Inputs(network.Config, 2);
        var single = network.call(x, label, condition);
        foreach (var (type, tolerance) in new[] { (ScalarType.Float64, 1e-5), (ScalarType.BFloat16, 0.15) })
        {
            network.to(type);
            Assert.All(network.state_dict().Values, t => Assert.Equal(type, t.dtype));
            var (x2, label2, condition2) = ConditionalUNetConfigs.Inputs(network.Config, 2, type);
            var result = network.call(x2, label2, condition2);
            Assert.Equal(type, result.dtype);
            Assert.True((result.to(float32) - single).abs().max().item<float>() < tolerance);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void GradientsReachTheStateEveryConditionAndEveryParameter(string kind)
    {
        using var scope = NewDisposeScope();
        using var network = new ConditionalUNet(ConditionalUNetConfigs.Of(kind));
        var (x, label, condition) = ConditionalUNetConfigs.Inputs(network.Config, 2);
        Tensor[] given = [x, .. condition.Tensors().OfType<Tensor>().Where(t => t.is_floating_point() && !ReferenceEquals(t, condition.TimeIds))];
        foreach (var t in given) t.requires_grad = true;
        network.call(x, label, condition).square().sum().backward();
        Assert.All(given, t => Assert.True(t.grad!.abs().sum().item<float>() > 0));
        Assert.All(network.named_parameters().Where(p => p.parameter.requires_grad), p => Assert.True(p.parameter.grad is { } g && g.isfinite().all().item<bool>(), p.name));
        Assert.Equal(kind == "fourier" ? ["time_proj.weight"] : [], network.named_parameters().Where(p => !p.parameter.requires_grad).Select(p => p.name));
    }

    [Theory]
    [InlineData("transformers")]
    [InlineData("only context")]
    [InlineData("projected text")]
    [InlineData("simple")]
    [InlineData("grouped context")]
    public void TheOrderOfTheTokensDoesNotMatter(string kind)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var network = new ConditionalUNet(ConditionalUNetConfigs.Of(kind));
        var (x, label, condition) = ConditionalUNetConfigs.Inputs(network.Config, 2);
        var turned = new Conditioning { Context = condition.Context!.flip(1), ClassLabels = condition.ClassLabels };
        Assert.True((network.call(x, label, turned) - network.call(x, label, condition)).abs().max().item<float>() < 1e-5);
    }

    [Theory]
    [InlineData(7, 9)]
    [InlineData(5, 1)]
    [InlineData(1, 1)]
    public void WhereConvolutionsHalveAnySizeRuns(long height, long width)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var network = new ConditionalUNet(ConditionalUNetConfigs.Tiny with { NormNumGroups = 1 });
        var (x, label, condition) = ConditionalUNetConfigs.Inputs(network.Config, 2, height: height, width: width);
        Assert.Equal([2L, 4L, height, width], network.call(x, label, condition).shape);
    }

    [Fact]
    public void AnImageIsJoinedToTheStateOnTheChannelAxis()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var network = new ConditionalUNet(ConditionalUNetConfigs.Of("table") with { CenterInputSample = true });
        var (x, label, condition) = ConditionalUNetConfigs.Inputs(network.Config, 2);
        var whole = network.call(cat([x, condition.Image!], 1), label, new Conditioning { Context = condition.Context, ClassLabels = condition.ClassLabels });
        Assert.True(whole.eq(network.call(x, label, condition)).all().item<bool>());
    }

    [Fact]
    public void WithoutAGuidanceEmbeddingTheNetworkIsThatOfAZeroOne()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var network = new ConditionalUNet(ConditionalUNetConfigs.Of("fourier"));
        var (x, label, condition) = ConditionalUNetConfigs.Inputs(network.Config, 2);
        var without = network.call(x, label, new Conditioning { Context = condition.Context });
        var zero = network.call(x, label, new Conditioning { Context = condition.Context, GuidanceEmbedding = zeros(2, 7) });
        Assert.True(without.eq(zero).all().item<bool>());
    }

    [Fact]
    public void AClassBesideTheLabelIsNotAddedToIt()
    {
        using var network = new ConditionalUNet(ConditionalUNetConfigs.Of("projected class"));
        Assert.Equal([16L, 64L], network.state_dict()["mid_block.resnets.0.time_emb_proj.weight"].shape);
        using var added = new ConditionalUNet(ConditionalUNetConfigs.Of("simply projected class"));
        Assert.Equal([16L, 32L], added.state_dict()["mid_block.resnets.0.time_emb_proj.weight"].shape);
    }

    [Fact]
    public void AZeroInitialisedNetworkReturnsZeroAndLearns()
    {
        using var scope = NewDisposeScope();
        foreach (var kind in new[] { "transformers", "simple", "dual", "self-attention" })
        {
            using var network = new ConditionalUNet(ConditionalUNetConfigs.Of(kind), zeroInit: true);
            var (x, label, condition) = ConditionalUNetConfigs.Inputs(network.Config, 2);
            var result = network.call(x, label, condition);
            Assert.Equal(0f, result.abs().max().item<float>());
            (result - x).square().mean().backward();
            Assert.True(network.state_dict()["conv_out.weight"].grad!.abs().sum().item<float>() > 0);
        }
    }

    [Fact]
    public void DropoutActsInTrainingOnly()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var network = new ConditionalUNet(ConditionalUNetConfigs.Tiny with { Dropout = 0.5 });
        var (x, label, condition) = ConditionalUNetConfigs.Inputs(network.Config, 2);
        Assert.False(network.call(x, label, condition).eq(network.call(x, label, condition)).all().item<bool>());
        network.eval();
        Assert.True(network.call(x, label, condition).eq(network.call(x, label, condition)).all().item<bool>());
    }
}
