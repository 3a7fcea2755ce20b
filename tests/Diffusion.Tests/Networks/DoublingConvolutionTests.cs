using Diffusion.Networks;
using Xunit;

namespace Diffusion.Tests.Networks;

public class DoublingConvolutionTests
{
    // The definition: every pixel twice in both directions, then the 3×3 convolution with zeros around.
    private static Tensor Defined(Tensor x, Tensor weight, Tensor bias) =>
        nn.functional.conv2d(nn.functional.interpolate(x, scale_factor: [2, 2]), weight, bias, padding: [1, 1]);

    [Theory]
    [InlineData(1, 1, 1, 1, 1)]
    [InlineData(2, 3, 5, 4, 6)]
    [InlineData(1, 4, 2, 5, 1)]
    public void IsDoublingAndThenTheConvolution(long batch, long channels, long outChannels, long height, long width)
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        var given = Make();
        var expected = Make();
        for (var i = 0; i < 3; i++)
            using (no_grad()) expected[i].copy_(given[i]);
        var (result, definition) = (DoublingConvolution.Apply(given[0], given[1], given[2]), Defined(expected[0], expected[1], expected[2]));
        Assert.True(result.allclose(definition, 1e-12, 1e-12));
        result.sin().sum().backward();
        definition.sin().sum().backward();
        foreach (var (mine, theirs) in given.Zip(expected)) Assert.True(mine.grad!.allclose(theirs.grad!, 1e-11, 1e-11));

        Tensor[] Make()
        {
            Tensor[] tensors = [randn([batch, channels, height, width], ScalarType.Float64), randn([outChannels, channels, 3, 3], ScalarType.Float64), randn([outChannels], ScalarType.Float64)];
            foreach (var t in tensors) t.requires_grad = true;
            return tensors;
        }
    }

    // A batch is large enough for the fast ways (doubling, linear layers on pixels), each sample alone is not.
    [Fact]
    public void ANetworkComputesTheSameEitherWay()
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        using var network = new UNet(UNetConfigs.Tiny with { BlockOutChannels = [16, 32], AttentionHeadDim = null });
        var (x, label) = (randn(12, 3, 16, 16), rand(12) * 1000);
        Assert.True(DoublingConvolution.Pays(zeros(12, 1, 8, 8)));
        Assert.False(DoublingConvolution.Pays(zeros(1, 1, 8, 8)));
        using var gradients = no_grad();
        var whole = network.call(x, label, null);
        var singles = cat([.. Enumerable.Range(0, 12).Select(i => network.call(x[i].unsqueeze(0), label[i].unsqueeze(0), null))]);
        var error = (whole - singles).abs().max().item<float>();
        Assert.True(error <= 1e-5 * whole.abs().max().item<float>(), $"off by {error}");
    }
}
