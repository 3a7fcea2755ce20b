using Diffusion.Networks;
using Xunit;

namespace Diffusion.Tests.Networks;

/// <summary>What it means that a token of the context does not count.</summary>
public class ContextMaskTests
{
    public static TheoryData<string> Kinds => ["transformers", "projected text", "simple", "simple only context", "projected both"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void MaskedTokensAreAsIfTheyWereNotThere(string kind)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var network = new ConditionalUNet(ConditionalUNetConfigs.Of(kind));
        var (x, label, condition) = ConditionalUNetConfigs.Inputs(network.Config, 2);
        var shorter = With(condition, condition.Context!.narrow(1, 0, 3), null);
        var mask = tensor(new[] { true, true, true, false, false }).expand(2, 5);
        var masked = network.call(x, label, With(condition, condition.Context, mask));
        Assert.True((masked - network.call(x, label, shorter)).abs().max().item<float>() < 1e-5);
        Assert.True((masked - network.call(x, label, condition)).abs().max().item<float>() > 1e-4);
        var other = condition.Context.clone();
        other.narrow(1, 3, 2).fill_(9);
        Assert.True((masked - network.call(x, label, With(condition, other, mask))).abs().max().item<float>() < 1e-5);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void AMaskOfAllTokensChangesNothing(string kind)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var network = new ConditionalUNet(ConditionalUNetConfigs.Of(kind));
        var (x, label, condition) = ConditionalUNetConfigs.Inputs(network.Config, 2);
        var all = ones(2, 5, dtype: ScalarType.Bool);
        Assert.True((network.call(x, label, With(condition, condition.Context, all)) - network.call(x, label, condition)).abs().max().item<float>() < 1e-5);
    }

    [Theory]
    [InlineData("transformers")]
    [InlineData("simple")]
    public void EverySampleHasAMaskOfItsOwn(string kind)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var network = new ConditionalUNet(ConditionalUNetConfigs.Of(kind));
        var (x, label, condition) = ConditionalUNetConfigs.Inputs(network.Config, 2);
        var mask = tensor(new[] { true, false, true, false, true, false, true, true, true, false }).view(2, 5);
        var together = network.call(x, label, With(condition, condition.Context, mask));
        for (var i = 0; i < 2; i++)
        {
            var alone = network.call(x.narrow(0, i, 1), label.narrow(0, i, 1), With(condition, condition.Context, mask).Map(t => t.narrow(0, i, 1)));
            Assert.True((together[i] - alone[0]).abs().max().item<float>() < 1e-5);
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void ASampleWithoutAnyTokenIsFiniteAndHasGradients(ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var network = new ConditionalUNet(ConditionalUNetConfigs.Tiny);
        network.to(type);
        var (x, label, condition) = ConditionalUNetConfigs.Inputs(network.Config, 2, type);
        var none = zeros(2, 5, dtype: ScalarType.Bool);
        var result = network.call(x, label, With(condition, condition.Context, none));
        result.square().sum().backward();
        Assert.True(result.isfinite().all().item<bool>());
        Assert.All(network.parameters(), p => Assert.True(p.grad!.isfinite().all().item<bool>()));
    }

    [Fact]
    public void TheBiasIsZeroOrMinusTenThousand()
    {
        using var scope = NewDisposeScope();
        foreach (var type in new[] { ScalarType.Float32, ScalarType.Float64, ScalarType.Float16, ScalarType.BFloat16 })
        {
            var bias = AttentionContext.BiasOf(tensor(new[] { true, false }).view(1, 2), type);
            Assert.Equal([1L, 1L, 1L, 2L], bias.shape);
            Assert.Equal(type, bias.dtype);
            Assert.Equal(0, bias.flatten()[0].to(float64).item<double>());
            Assert.Equal(-10_000, bias.flatten()[1].to(float64).item<double>(), 32.0); // bfloat16 has eight digits
        }
    }

    private static Conditioning With(Conditioning condition, Tensor? context, Tensor? mask) => new()
    {
        Context = context,
        ContextMask = mask,
        ImageEmbedding = condition.ImageEmbedding,
        PooledText = condition.PooledText,
    };
}
