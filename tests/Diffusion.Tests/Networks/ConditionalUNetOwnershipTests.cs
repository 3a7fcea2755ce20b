using Diffusion.Networks;
using Xunit;

namespace Diffusion.Tests.Networks;

public class ConditionalUNetOwnershipTests
{
    public static TheoryData<string> Kinds => ConditionalUNetConfigs.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    public void ForwardLeavesExactlyItsResult(string kind)
    {
        using var network = new ConditionalUNet(ConditionalUNetConfigs.Of(kind));
        using var scope = NewDisposeScope();
        var (x, label, condition) = Masked(network.Config);
        foreach (var grad in new[] { true, false })
        {
            using var mode = set_grad_enabled(grad);
            using (NewDisposeScope()) network.call(x, label, condition);
            var before = LiveTensors.Count();
            using (var inner = NewDisposeScope())
            {
                var result = network.call(x, label, condition);
                Assert.Equal(before + 1, Tensor.TotalCount);
                Assert.Equal(1, inner.DisposablesCount);
                Assert.Equal(grad, result.requires_grad);
            }
            Assert.Equal(before, Tensor.TotalCount);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void ArgumentsStayAsTheyWere(string kind)
    {
        using var network = new ConditionalUNet(ConditionalUNetConfigs.Of(kind) with { CenterInputSample = true });
        using var scope = NewDisposeScope();
        var (x, label, condition) = Masked(network.Config);
        Tensor[] given = [x, label, .. condition.Tensors().OfType<Tensor>()];
        var copies = given.Select(t => t.clone()).ToArray();
        var result = network.call(x, label, condition);
        for (var i = 0; i < given.Length; i++)
        {
            Assert.False(given[i].IsInvalid);
            Assert.True(scope.Contains(given[i]));
            Assert.True(given[i].eq(copies[i]).all().item<bool>());
        }
        // Fresh: writing into the result writes into nothing else.
        using var noGrad = no_grad();
        result.fill_(7);
        Assert.True(x.eq(copies[0]).all().item<bool>());
    }

    [Fact]
    public void MakingANetworkLeavesOnlyItsParametersAliveAndDisposingFreesThem()
    {
        foreach (var kind in new[] { "transformers", "simple", "added text", "hint", "fourier" })
        {
            using var scope = NewDisposeScope();
            var before = LiveTensors.Count();
            var network = new ConditionalUNet(ConditionalUNetConfigs.Of(kind));
            Assert.Equal(0, scope.DisposablesCount);
            // TorchSharp counts the emptied tensor that a parameter is made of for ever: two for each.
            Assert.Equal(2 * network.parameters().Count(), Tensor.TotalCount - before);
            var parameters = network.parameters().ToList();
            network.Dispose();
            Assert.All(parameters, p => Assert.True(p.IsInvalid));
        }
    }

    [Fact]
    public void TheNetworkOutlivesTheScopeItWasMadeIn()
    {
        foreach (var kind in new[] { "table", "added text", "fourier" })
        {
            ConditionalUNet network;
            using (NewDisposeScope())
            {
                network = new ConditionalUNet(ConditionalUNetConfigs.Of(kind));
                network.to(float64);
                network.to(float32);
            }
            using (network)
            {
                using var scope = NewDisposeScope();
                var (x, label, condition) = ConditionalUNetConfigs.Inputs(network.Config, 2);
                Assert.True(network.call(x, label, condition).isfinite().all().item<bool>());
            }
        }
    }

    [Fact]
    public void AFailingForwardLeavesNothing()
    {
        using var network = new ConditionalUNet(ConditionalUNetConfigs.Of("table"));
        using var scope = NewDisposeScope();
        var (x, label, given) = ConditionalUNetConfigs.Inputs(network.Config, 2);
        var condition = new Conditioning { Context = given.Context, Image = given.Image, ClassLabels = tensor(new long[] { 0, 5 }) };
        var before = LiveTensors.Count();
        Assert.Throws<ArgumentException>(() => network.call(x, label, condition));
        Assert.Equal(before, Tensor.TotalCount);
    }

    private static (Tensor X, Tensor Label, Conditioning Condition) Masked(ConditionalUNetConfig config)
    {
        var (x, label, condition) = ConditionalUNetConfigs.Inputs(config, 2);
        if (condition.Context is not { } context) return (x, label, condition);
        var mask = ones(2, context.shape[1], dtype: ScalarType.Bool);
        return (x, label, new Conditioning
        {
            Context = context,
            ContextMask = mask,
            ClassLabels = condition.ClassLabels,
            Vector = condition.Vector,
            PooledText = condition.PooledText,
            ImageEmbedding = condition.ImageEmbedding,
            TimeIds = condition.TimeIds,
            GuidanceEmbedding = condition.GuidanceEmbedding,
            Image = condition.Image,
        });
    }
}
