using Diffusion.Networks;
using Xunit;

namespace Diffusion.Tests.Networks;

/// <summary>The layers of conditions against their formulas, written out in plain products of matrices in float64.</summary>
public class ConditionalLayerTests
{
    private const double Tolerance = 1e-12;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void CrossAttentionIsSoftmaxOfScaledProducts(bool masked)
    {
        using var scope = NewDisposeScope();
        using var attention = new CrossAttention(6, 5, heads: 2, headWidth: 3, upcast: true);
        attention.to(float64);
        var (x, other) = (randn(2, 4, 6, dtype: float64), randn(2, 3, 5, dtype: float64));
        var bias = masked ? randn(2, 1, 1, 3, dtype: float64) : null;
        var w = attention.state_dict();
        var expected = zeros(2, 4, 6, dtype: float64);
        for (var sample = 0; sample < 2; sample++)
        {
            var heads = new List<Tensor>();
            for (var head = 0; head < 2; head++)
            {
                Tensor Part(Tensor t, string name) => t.mm(w[name + ".weight"].narrow(0, 3 * head, 3).t());
                var scores = Part(x[sample], "to_q").mm(Part(other[sample], "to_k").t()) / Math.Sqrt(3);
                if (bias is not null) scores = scores + bias[sample, 0];
                heads.Add(scores.softmax(1).mm(Part(other[sample], "to_v")));
            }
            expected[sample] = cat(heads, 1).mm(w["to_out.0.weight"].t()) + w["to_out.0.bias"];
        }
        AssertClose(expected, attention.Attend(x, other, bias));
    }

    [Fact]
    public void UpcastAttentionIsThatOfFloat32()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var upcast = new CrossAttention(8, 8, heads: 2, headWidth: 4, upcast: true);
        using var plain = new CrossAttention(8, 8, heads: 2, headWidth: 4, upcast: false);
        plain.load_state_dict(upcast.state_dict());
        upcast.to(bfloat16);
        var x = randn(1, 64, 8).to(bfloat16);
        var result = upcast.Attend(x, x, null);
        Assert.Equal(ScalarType.BFloat16, result.dtype);
        // What stays is the rounding of the linear layers: eight digits in each of four.
        Assert.True((result.to(float32) - plain.Attend(x.to(float32), x.to(float32), null)).abs().max().item<float>() < 0.02);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AddedContextAttentionHasTheKeysOfContextAndPixelsInOneSoftmax(bool onlyContext)
    {
        using var scope = NewDisposeScope();
        using var attention = new AddedContextAttention(4, headWidth: 4, contextWidth: 5, groups: 2, onlyContext, contextNorm: null);
        attention.to(float64);
        var (x, tokens) = (randn(1, 4, 2, 3, dtype: float64), randn(1, 2, 5, dtype: float64));
        var w = attention.state_dict();
        Tensor Linear(Tensor t, string name) => t.mm(w[name + ".weight"].t()) + w[name + ".bias"];
        var normalized = x.view(2, 12); // two groups of two channels of six pixels
        normalized = (normalized - normalized.mean([1L], keepdim: true)) / (normalized.var(1, unbiased: false, keepdim: true) + 1e-5).sqrt();
        var pixels = normalized.view(4, 6).t();
        var (keys, values) = (Linear(tokens[0], "add_k_proj"), Linear(tokens[0], "add_v_proj"));
        if (!onlyContext) (keys, values) = (cat([keys, Linear(pixels, "to_k")], 0), cat([values, Linear(pixels, "to_v")], 0));
        var mixed = (Linear(pixels, "to_q").mm(keys.t()) / 2).softmax(1).mm(values);
        var expected = x + Linear(mixed, "to_out.0").t().view(1, 4, 2, 3);
        AssertClose(expected, attention.call(x, new AttentionContext(tokens, null)));
    }

    [Fact]
    public void TheContextIsNormalisedByTokenOrInGroupsOfItsWidth()
    {
        using var scope = NewDisposeScope();
        var tokens = randn(2, 3, 64);
        using var byToken = new AddedContextAttention(64, 64, 64, 4, onlyContext: true, CrossAttentionNorm.Layer);
        using var byGroup = new AddedContextAttention(64, 64, 64, 4, onlyContext: true, CrossAttentionNorm.Group);
        var x = randn(2, 64, 2, 2);
        // Scaling and shifting a token alone, or a group of the width over all tokens, changes nothing (ε apart).
        var scaled = tokens * tensor(new[] { 2f, 30, 400 }).view(1, 3, 1) + 5;
        AssertClose(byToken.call(x, new AttentionContext(tokens * 100, null)), byToken.call(x, new AttentionContext(scaled * 100, null)), 1e-4);
        var grouped = tokens * arange(1, 33, 1, float32).repeat_interleave(2).view(1, 1, 64) + 5;
        AssertClose(byGroup.call(x, new AttentionContext(tokens * 100, null)), byGroup.call(x, new AttentionContext(grouped * 100, null)), 1e-4);
        Assert.True((byGroup.call(x, new AttentionContext(scaled, null)) - byGroup.call(x, new AttentionContext(tokens, null))).abs().max().item<float>() > 1e-3);
    }

    [Fact]
    public void TheFeedForwardLayerIsGatedByTheExactGelu()
    {
        using var scope = NewDisposeScope();
        using var layer = new FeedForward(3);
        layer.to(float64);
        var w = layer.state_dict();
        Assert.Equal(["net.0.proj.bias", "net.0.proj.weight", "net.2.bias", "net.2.weight"], w.Keys.Order(StringComparer.Ordinal));
        Assert.Equal([24L, 3L], w["net.0.proj.weight"].shape);
        var x = randn(1, 5, 3, dtype: float64);
        var inner = x[0].mm(w["net.0.proj.weight"].t()) + w["net.0.proj.bias"];
        var (value, gate) = (inner.narrow(1, 0, 12), inner.narrow(1, 12, 12));
        var gated = value * gate * ((gate / Math.Sqrt(2)).erf() + 1) / 2;
        AssertClose(gated.mm(w["net.2.weight"].t()) + w["net.2.bias"], layer.call(x)[0]);
    }

    [Fact]
    public void PoolingIsAttentionFromTheMeanToItselfAndTheSequence()
    {
        using var scope = NewDisposeScope();
        using var pool = new AttentionPooling(2, 6);
        pool.to(float64);
        var w = pool.state_dict();
        var x = randn(1, 4, 6, dtype: float64);
        var mean = x[0].mean([0L], keepdim: true) + w["positional_embedding"];
        var all = cat([mean, x[0]], 0);
        var heads = new List<Tensor>();
        for (var head = 0; head < 2; head++)
        {
            Tensor Part(Tensor t, string name) => (t.mm(w[name + ".weight"].t()) + w[name + ".bias"]).narrow(1, 3 * head, 3);
            heads.Add((Part(mean, "q_proj").mm(Part(all, "k_proj").t()) / Math.Sqrt(3)).softmax(1).mm(Part(all, "v_proj")));
        }
        AssertClose(cat(heads, 1), pool.call(x));
    }

    [Fact]
    public void ADualTransformerIsTheMeanOfItsTwo()
    {
        using var scope = NewDisposeScope();
        using var dual = new DualSpatialTransformer(4, new SpatialTransformerOptions(Heads: 2, ContextWidth: 3, Groups: 2));
        using var first = new SpatialTransformer(4, 1, new SpatialTransformerOptions(Heads: 2, ContextWidth: 3, Groups: 2));
        using var second = new SpatialTransformer(4, 1, new SpatialTransformerOptions(Heads: 2, ContextWidth: 3, Groups: 2));
        foreach (var (transformer, i) in new[] { (first, 0), (second, 1) })
            transformer.load_state_dict(dual.state_dict().Where(p => p.Key.StartsWith($"transformers.{i}.", StringComparison.Ordinal)).ToDictionary(p => p.Key[15..], p => p.Value));
        var (x, context) = (randn(1, 4, 2, 3), randn(1, 334, 3));
        var image = first.call(x, new AttentionContext(context.narrow(1, 77, 257), null));
        var text = second.call(x, new AttentionContext(context.narrow(1, 0, 77), null));
        AssertClose((image + text) / 2, dual.call(x, new AttentionContext(context, null)), 1e-6);
    }

    [Fact]
    public void ImagesBecomeTokensBeforeThoseOfTheText()
    {
        using var scope = NewDisposeScope();
        using var both = new TextImageTokens(textWidth: 3, imageWidth: 4, width: 5);
        using var alone = new ImageTokens(4, 5);
        var (text, image) = (randn(2, 6, 3), randn(2, 4));
        var tokens = both.call(text, image);
        Assert.Equal([2L, 16L, 5L], tokens.shape);
        var w = both.state_dict();
        AssertClose((image[1].unsqueeze(0).mm(w["image_embeds.weight"].t()) + w["image_embeds.bias"]).view(10, 5), tokens[1].narrow(0, 0, 10), 1e-5);
        AssertClose(text[1].mm(w["text_proj.weight"].t()) + w["text_proj.bias"], tokens[1].narrow(0, 10, 6), 1e-5);
        var normalized = alone.call(image);
        Assert.Equal([2L, 32L, 5L], normalized.shape);
        AssertClose(zeros(2, 32), normalized.mean([2L]), 1e-5);
    }

    [Fact]
    public void FourierFeaturesOfTheLabelItselfFollowTheFormula()
    {
        using var scope = NewDisposeScope();
        using var embedding = new FourierEmbedding(3, 1, ofLogarithm: false, cosFirst: true);
        var w = embedding.state_dict()["weight"].data<float>().ToArray();
        var given = embedding.call(tensor(new[] { 0.25f }))[0].data<float>().ToArray();
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(Math.Cos(2 * Math.PI * 0.25 * w[i]), given[i], 1e-5);
            Assert.Equal(Math.Sin(2 * Math.PI * 0.25 * w[i]), given[3 + i], 1e-5);
        }
    }

    [Fact]
    public void DoublingToAnOddSizeRepeatsNearestPixels()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var upsample = new Upsample(1);
        var w = upsample.state_dict();
        w["conv.weight"].fill_(0);
        w["conv.weight"][0, 0, 1, 1] = 1; // the identity
        w["conv.bias"].fill_(0);
        var x = arange(4, dtype: float32).view(1, 1, 2, 2);
        // Pixel i of n comes from pixel ⌊2i/n⌋: of three, two from the first.
        Assert.Equal([0f, 0, 1, 0, 0, 1, 2, 2, 3], upsample.To(x, 3, 3).flatten().data<float>().ToArray());
        Assert.True(upsample.To(x, 4, 4).eq(upsample.call(x, null)).all().item<bool>());
    }

    private static void AssertClose(Tensor expected, Tensor given, double tolerance = Tolerance)
    {
        Assert.Equal(expected.shape, given.shape);
        var error = (expected - given).abs().max().to(float64).item<double>();
        Assert.True(error <= tolerance, $"off by {error}");
    }
}
