using Diffusion.Networks;
using Xunit;

namespace Diffusion.Tests.Networks;

public class EnergyNetworkTests
{
    private static EnergyNetwork Make()
    {
        random.manual_seed(1).Dispose();
        var inner = new Mlp(3, 16, 2);
        using (no_grad()) foreach (var (name, parameter) in inner.named_parameters()) if (name.StartsWith("output", StringComparison.Ordinal)) nn.init.normal_(parameter, 0, 0.5);
        var network = new EnergyNetwork(inner);
        network.to(float64);
        return network;
    }

    [Fact]
    public void ItsAnswerIsTheSlopeOfTheEnergyDownward()
    {
        using var scope = NewDisposeScope();
        using var network = Make();
        using var noise = NoiseSource.FromSeed(1);
        var (x, label) = (noise.Next([4, 3], float64, CPU), full([4], 200.0, float64));
        var answer = network.call(x, label, null);
        Assert.Equal(x.shape, answer.shape);
        const double h = 1e-5;
        for (var axis = 0; axis < 3; axis++)
        {
            var step = zeros(3, float64);
            step[axis] = h;
            var slope = (network.Energy(x + step, label) - network.Energy(x - step, label)) / (2 * h);
            Assert.True((slope + answer.select(1, axis)).abs().max().item<double>() < 1e-7);
        }
    }

    // What a gradient has and another field has not: a symmetric Jacobian.
    [Fact]
    public void ItsJacobianIsSymmetric()
    {
        using var scope = NewDisposeScope();
        using var network = Make();
        using var noise = NoiseSource.FromSeed(2);
        var x = noise.Next([1, 3], float64, CPU).requires_grad_();
        var answer = network.call(x, full([1], 200.0, float64), null);
        var rows = Enumerable.Range(0, 3).Select(i => Differentiation.Gradient(answer.select(1, i), x, keepGraph: true)).ToArray();
        var jacobian = cat(rows, 0);
        Assert.True((jacobian - jacobian.T).abs().max().item<double>() < 1e-12);
        Assert.True(jacobian.abs().max().item<double>() > 1e-3);
    }

    [Fact]
    public void WithoutGradientsItAnswersTheSameAndKeepsNoGraph()
    {
        using var scope = NewDisposeScope();
        using var network = Make();
        using var noise = NoiseSource.FromSeed(3);
        var (x, label) = (noise.Next([2, 3], float64, CPU), zeros(2, float64));
        var with = network.call(x, label, null);
        using var frozen = no_grad();
        var before = LiveTensors.Count();
        var without = network.call(x, label, null);
        Assert.Equal(before + 1, LiveTensors.Count());
        Assert.True(with.requires_grad);
        Assert.False(without.requires_grad);
        Assert.False(x.requires_grad);
        Assert.True((with - without).abs().max().item<double>() < 1e-13); // two kernels of one derivative
    }

    [Fact]
    public void ItsParametersAreThoseOfTheEnergy()
    {
        using var scope = NewDisposeScope();
        using var network = Make();
        Assert.All(network.state_dict().Keys, key => Assert.StartsWith("energy.", key, StringComparison.Ordinal));
        network.call(ones(2, 3, float64), zeros(2, float64), null).square().sum().backward();
        Assert.All(network.parameters().Where(p => p.shape.Length == 2), p => Assert.True(p.grad!.abs().sum().item<double>() > 0));
        Assert.Throws<ArgumentNullException>(() => new EnergyNetwork(null!));
    }
}
