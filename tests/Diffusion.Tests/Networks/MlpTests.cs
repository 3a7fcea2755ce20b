using Diffusion.Networks;
using Xunit;

namespace Diffusion.Tests.Networks;

public class MlpTests
{
    [Fact]
    public void ANewNetworkReturnsZerosOfTheShapeOfTheState()
    {
        using var scope = NewDisposeScope();
        using var network = new Mlp(6, 8, 2, classes: 3);
        var output = network.call(randn(4, 2, 3), full(4, 500f), Conditioning.ForClasses([0, 1, 2, 3]));
        Assert.Equal([4, 2, 3], output.shape);
        Assert.Equal(0, output.abs().max().item<float>());
        Assert.All(network.parameters(), p => Assert.True(p.isfinite().all().item<bool>()));
    }

    [Fact]
    public void LabelAndClassAndStateMatter()
    {
        using var scope = NewDisposeScope();
        using var network = new Mlp(2, 8, 1, classes: 3);
        using (no_grad()) foreach (var p in network.parameters()) p.normal_();
        var x = ones(1, 2);
        var output = network.call(x, tensor([10f]), Conditioning.ForClasses([0]));
        Assert.False(output.allclose(network.call(x * 2, tensor([10f]), Conditioning.ForClasses([0]))));
        Assert.False(output.allclose(network.call(x, tensor([11f]), Conditioning.ForClasses([0]))));
        Assert.False(output.allclose(network.call(x, tensor([10f]), Conditioning.ForClasses([3]))));
    }

    [Fact]
    public void StateDictionaryKeysAreStable()
    {
        using var network = new Mlp(2, 8, 1, classes: 3);
        Assert.Equal(
            [
                "blocks.0.1.bias", "blocks.0.1.weight", "blocks.0.3.bias", "blocks.0.3.weight", "class_embedding.weight", "input.bias", "input.weight", "output.bias",
                "output.weight", "time_embedding.linear_1.bias", "time_embedding.linear_1.weight", "time_embedding.linear_2.bias", "time_embedding.linear_2.weight",
            ],
            network.state_dict().Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void RejectsWhatItDoesNotUnderstand()
    {
        using var scope = NewDisposeScope();
        using var plain = new Mlp(2, 8, 1);
        using var conditional = new Mlp(2, 8, 1, classes: 3);
        var (x, t) = (ones(1, 2), ones(1));
        Assert.Throws<ArgumentException>(() => plain.call(ones(1, 3), t, null));
        Assert.Throws<ArgumentException>(() => plain.call(x, t, Conditioning.ForClasses([0])));
        Assert.Throws<ArgumentException>(() => conditional.call(x, t, null));
        Assert.Throws<ArgumentException>(() => conditional.call(x, t, Conditioning.ForClasses([4])));
        Assert.Throws<ArgumentException>(() => conditional.call(x, t, new Conditioning { ClassLabels = zeros(1, int64), Vector = ones(1, 2) }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Mlp(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Mlp(2, 7));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Mlp(2, 8, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Mlp(2, 8, 1, classes: 0));
    }

    [Fact]
    public void ACallLeavesOneTensor()
    {
        using var scope = NewDisposeScope();
        using var network = new Mlp(2, 8, 1, classes: 3);
        var (x, t, condition) = (ones(1, 2), ones(1), Conditioning.ForClasses([0]));
        var before = LiveTensors.Count();
        var output = network.call(x, t, condition);
        Assert.Equal(before + 1, LiveTensors.Count());
        Assert.False(output.IsInvalid || x.IsInvalid);
    }
}
