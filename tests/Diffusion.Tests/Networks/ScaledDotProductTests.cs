using Diffusion.Networks;
using Xunit;

namespace Diffusion.Tests.Networks;

public class ScaledDotProductTests
{
    // What bfloat16 costs is the rounding of factors, scores, weights and result: 2^-9 relative each at most, a root mean square of 0.46 % together.
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void BFloat16AttentionIsGoodToItsRounding(long heads)
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        Tensor Make() => randn(2, 200, 32 * heads).to(bfloat16);
        var (q, k, v) = (Make(), Make(), Make());
        var given = ScaledDotProduct.Attend(q, k, v, heads);
        Assert.Equal(ScalarType.BFloat16, given.dtype);
        var exact = ScaledDotProduct.Attend(q.to(float64), k.to(float64), v.to(float64), heads);
        var error = (given.to(float64) - exact).square().mean().sqrt().item<double>() / exact.square().mean().sqrt().item<double>();
        Assert.True(error < 0.007, $"relative error {error}");
    }

    [Fact]
    public void BFloat16WeightsOfEqualScoresAddUpToOne()
    {
        using var scope = NewDisposeScope();
        var (q, v) = (zeros(1, 1000, 8).to(bfloat16), ones(1, 1000, 8).to(bfloat16));
        // 1000 weights of 1/1000, each rounded to bfloat16, and their sum rounded once more.
        Assert.Equal(1, ScaledDotProduct.Attend(q, q, v, 1).to(float32).mean().item<float>(), 0.006f);
    }
}
