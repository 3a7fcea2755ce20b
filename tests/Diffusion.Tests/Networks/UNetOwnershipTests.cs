using Diffusion.Networks;
using Xunit;

namespace Diffusion.Tests.Networks;

public class UNetOwnershipTests
{
    [Theory]
    [MemberData(nameof(UNetTests.Kinds), MemberType = typeof(UNetTests))]
    public void ForwardLeavesExactlyItsResult(string kind)
    {
        using var network = new UNet(UNetTests.Config(kind));
        using var scope = NewDisposeScope();
        var (x, label, condition) = UNetTests.Inputs(network.Config, 2);
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
    [MemberData(nameof(UNetTests.Kinds), MemberType = typeof(UNetTests))]
    public void ArgumentsStayAsTheyWere(string kind)
    {
        using var network = new UNet(UNetTests.Config(kind) with { CenterInputSample = true });
        using var scope = NewDisposeScope();
        var (x, label, condition) = UNetTests.Inputs(network.Config, 2);
        Tensor[] given = [x, label, .. condition?.Tensors().OfType<Tensor>() ?? []];
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
    public void DisposingTheNetworkFreesItsParameters()
    {
        var network = new UNet(UNetConfigs.TinySkip with { NumClassEmbeds = 3 });
        var parameters = network.parameters().ToList();
        Assert.All(parameters, p => Assert.False(p.IsInvalid));
        network.Dispose();
        Assert.All(parameters, p => Assert.True(p.IsInvalid));
    }

    [Fact]
    public void MakingANetworkLeavesOnlyItsParametersAlive()
    {
        using var scope = NewDisposeScope();
        var before = LiveTensors.Count();
        using var network = new UNet(UNetConfigs.TinySkip with { NumClassEmbeds = 3 });
        Assert.Equal(0, scope.DisposablesCount);
        // TorchSharp counts the emptied tensor that a parameter is made of for ever: two for each.
        Assert.Equal(2 * network.parameters().Count(), Tensor.TotalCount - before);
    }

    [Fact]
    public void AFailingForwardLeavesNothing()
    {
        using var network = new UNet(UNetConfigs.Tiny with { NumClassEmbeds = 3 });
        using var scope = NewDisposeScope();
        var (x, label, _) = UNetTests.Inputs(network.Config, 2);
        var condition = new Conditioning { ClassLabels = tensor(new long[] { 0, 3 }) };
        var before = LiveTensors.Count();
        Assert.Throws<ArgumentException>(() => network.call(x, label, condition));
        Assert.Equal(before, Tensor.TotalCount);
    }
}
