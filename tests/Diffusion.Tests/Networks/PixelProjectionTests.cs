using Diffusion.Networks;
using Xunit;

namespace Diffusion.Tests.Networks;

public class PixelProjectionTests
{
    [Theory]
    [InlineData(4, 64, 64, 96)] // by a convolution
    [InlineData(1, 5, 7, 3)] // too small for it
    public void IsTheLinearLayer(long batch, long rows, long width, long outWidth)
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        using var layer = nn.Linear(width, outWidth);
        var x = randn(batch, rows, width, requires_grad: true);
        var result = PixelProjection.Apply(layer, x);
        var wanted = randn_like(result);
        result.backward([wanted]);
        Tensor[] mine = [result, x.grad!.clone(), layer.weight!.grad!.clone(), layer.bias!.grad!.clone()];
        (x.grad, layer.weight.grad, layer.bias.grad) = (null, null, null);
        var expected = nn.functional.linear(x, layer.weight, layer.bias);
        expected.backward([wanted]);
        Tensor[] theirs = [expected, x.grad!, layer.weight.grad!, layer.bias.grad!];
        // Sums of up to 256 float32 products in another order.
        foreach (var (a, b) in mine.Zip(theirs))
        {
            Assert.Equal(b.shape, a.shape);
            Assert.True((a - b).abs().max().item<float>() <= 3e-6 * b.abs().max().item<float>());
        }
    }
}
