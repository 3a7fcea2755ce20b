using Diffusion.Networks;
using Diffusion.Tests.Training;
using Xunit;

namespace Diffusion.Tests.Networks;

public sealed class RecomputationTests : IDisposable
{
    private readonly OneThread _thread = new();

    public void Dispose() => _thread.Dispose();

    private static UNet Network(double dropout = 0)
    {
        manual_seed(1);
        return new UNet(UNetConfigs.Tiny with { BlockOutChannels = [8, 16], Dropout = dropout });
    }

    [Theory]
    [InlineData(0, ComputePrecision.Float32)]
    [InlineData(0.3, ComputePrecision.Float32)]
    [InlineData(0.3, ComputePrecision.BFloat16)]
    public void GradientsAreTheSameToTheBit(double dropout, ComputePrecision precision)
    {
        using var scope = NewDisposeScope();
        using var network = Network(dropout);
        var (kept, next) = Gradients();
        network.RecomputesActivations = true;
        var (recomputed, nextAfter) = Gradients();
        Assert.Equal(kept.Length, recomputed.Length);
        foreach (var (a, b) in kept.Zip(recomputed)) Assert.True(a.IsExactly(b));
        Assert.Equal(next, nextAfter); // the generator stands where it would have stood

        (Tensor[] Values, float Next) Gradients()
        {
            manual_seed(2);
            foreach (var parameter in network.parameters()) parameter.grad = null;
            var x = randn(3, 3, 8, 8, requires_grad: true);
            network.Computing(precision).call(x, tensor(new[] { 1f, 2f, 3f }), null).square().mean().backward();
            return ([x.grad!, .. network.parameters().Select(p => p.grad!.clone())], rand(1).item<float>());
        }
    }

    [Fact]
    public void AGradientToBeDifferentiatedIsNotANumberRatherThanWrong()
    {
        using var scope = NewDisposeScope();
        using var network = Network();
        network.RecomputesActivations = true;
        var x = randn(2, 3, 8, 8, requires_grad: true);
        var first = autograd.grad([network.call(x, ones(2), null).square().sum()], [x], retain_graph: true, create_graph: true)[0];
        Assert.True(first.isnan().any().item<bool>());
    }

    [Fact]
    public void DropoutOnAnotherDeviceIsRefused()
    {
        using var scope = NewDisposeScope();
        using var network = Network();
        var x = empty([1], device: new Device("meta")).requires_grad_(true);
        Assert.Throws<InvalidOperationException>(() => Recomputation.Run(network, inputs => inputs[0], draws: true, x));
    }

    [Fact]
    public void NothingIsLeftBehind()
    {
        using var network = Network(0.1);
        network.RecomputesActivations = true;
        Step();
        Step();
        var before = LiveTensors.Count();
        for (var i = 0; i < 3; i++) Step();
        Assert.Equal(before, LiveTensors.Count());

        void Step()
        {
            using var scope = NewDisposeScope();
            foreach (var parameter in network.parameters()) parameter.grad = null;
            network.call(randn(2, 3, 8, 8), ones(2), null).square().mean().backward();
            foreach (var parameter in network.parameters()) parameter.grad = null;
        }
    }

    // Ten more blocks: were the gradients of all of them alive until the caller's scope ends, there would be more than a hundred tensors more.
    [Fact]
    public void TheBackwardPassDoesNotKeepTheGradientsOfEveryBlock()
    {
        Assert.InRange(Left(6) - Left(1), 0, 25);

        static int Left(int layers)
        {
            using var network = new UNet(UNetConfigs.Tiny with { BlockOutChannels = [8, 16], LayersPerBlock = layers }) { RecomputesActivations = true };
            using var scope = NewDisposeScope();
            network.call(randn(2, 3, 8, 8), ones(2), null).square().mean().backward();
            return (int)scope.DisposablesCount;
        }
    }

    [Fact]
    public void WithoutGradientsNothingChanges()
    {
        using var scope = NewDisposeScope();
        using var network = Network();
        var x = randn(2, 3, 8, 8);
        using var gradients = no_grad();
        var expected = network.call(x, ones(2), null);
        network.RecomputesActivations = true;
        Assert.True(network.call(x, ones(2), null).IsExactly(expected));
    }
}
