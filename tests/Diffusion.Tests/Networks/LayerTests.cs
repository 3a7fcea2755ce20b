using Diffusion.Networks;
using Xunit;

namespace Diffusion.Tests.Networks;

public class LayerTests
{
    [Fact]
    public void TheFilterKeepsAConstantInsideTheImage()
    {
        using var scope = NewDisposeScope();
        var x = full([1, 2, 8, 8], 3f);
        foreach (var resampling in new[] { Resampling.FilteredDown, Resampling.FilteredUp })
        {
            var y = resampling.Apply(x);
            var side = y.shape[2];
            Assert.Equal(resampling == Resampling.FilteredUp ? 16 : 4, side);
            Assert.True((y.narrow(2, 1, side - 2).narrow(3, 1, side - 2) - 3).abs().max().item<float>() < 1e-6);
            // Outside lies zero: at a corner (7/8)² of the weight is inside on the way down, (3/4)² on the way up.
            var inside = resampling == Resampling.FilteredUp ? 3.0 / 4 : 7.0 / 8;
            Assert.Equal(3 * inside * inside, y[0, 0, 0, 0].item<float>(), 1e-6);
        }
    }

    [Fact]
    public void FilteredDoublingIsFourTimesTheAdjointOfFilteredHalving()
    {
        using var scope = NewDisposeScope();
        var random = new Generator(3);
        var x = randn([2, 3, 8, 12], ScalarType.Float64, generator: random);
        var y = randn([2, 3, 4, 6], ScalarType.Float64, generator: random);
        var left = (Resampling.FilteredDown.Apply(x) * y).sum().item<double>();
        var right = (x * Resampling.FilteredUp.Apply(y)).sum().item<double>() / 4;
        Assert.Equal(left, right, 1e-12);
    }

    [Fact]
    public void PlainHalvingIsTheMeanAndDoublingRepeats()
    {
        using var scope = NewDisposeScope();
        var x = arange(16, dtype: float32).view(1, 1, 4, 4);
        Assert.Equal([2.5f, 4.5f, 10.5f, 12.5f], Resampling.Down.Apply(x).data<float>().ToArray());
        Assert.Equal([0f, 0f, 1f, 1f, 2f, 2f, 3f, 3f], Resampling.Up.Apply(x)[0, 0, 1].data<float>().ToArray());
    }

    [Theory]
    [InlineData(1, false, new[] { .9646f, .9804f, .9892f, .9615f, .9787f, .9882f, .9582f, .9769f, .9872f })]
    [InlineData(0, true, new[] { .3019f, .2280f, .1716f, .3146f, .2377f, .1790f, .3272f, .2474f, .1864f })]
    public void SinusoidsAreThoseOfDiffusers(int shift, bool cosFirst, float[] expected)
    {
        // tests/models/test_layers_utils.py: 128 labels, width 64, rows 23 to 25, columns 47 to 49; four digits.
        using var scope = NewDisposeScope();
        using var embedding = new SinusoidalEmbedding(64, cosFirst, shift);
        var given = embedding.call(arange(128, int64)).narrow(0, 23, 3).narrow(1, 47, 3).contiguous().data<float>().ToArray();
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], given[i], 1e-4);
    }

    [Fact]
    public void SinusoidsFollowTheFormula()
    {
        using var scope = NewDisposeScope();
        using var embedding = new SinusoidalEmbedding(7, cosFirst: false, shift: 0);
        var given = embedding.call(tensor(new[] { 12.5f }))[0].data<float>().ToArray();
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(Math.Sin(12.5 * Math.Pow(10000, -i / 3.0)), given[i], 1e-5);
            Assert.Equal(Math.Cos(12.5 * Math.Pow(10000, -i / 3.0)), given[3 + i], 1e-5);
        }
        Assert.Equal(0, given[6]);
    }

    [Fact]
    public void ATableLooksUpRowsAndCollectsTheirGradients()
    {
        using var scope = NewDisposeScope();
        using var table = new EmbeddingTable(4, 3, "labels");
        var weight = table.parameters().Single();
        var rows = table.call(tensor(new long[] { 2, 0, 2 }));
        Assert.True(rows[0].eq(weight[2]).all().item<bool>() && rows[1].eq(weight[0]).all().item<bool>());
        rows.sum().backward();
        Assert.Equal([1f, 0f, 2f, 0f], weight.grad!.select(1, 0).contiguous().data<float>().ToArray());
    }

    [Fact]
    public void WhereLabelsAreNotLookedAtABadOneIsARowOfNaN()
    {
        using var scope = NewDisposeScope();
        using var table = new EmbeddingTable(4, 3, "labels");
        var labels = tensor(new[] { 0f, 4f, -1f, 1.5f, float.NaN, 3f }); // what an accelerator is given; here on the CPU
        var rows = table.Masked(labels, table.Outside(labels));
        Assert.Equal([false, true, true, true, true, false], rows.isnan().all(1).data<bool>().ToArray());
        Assert.Equal([false, true, true, true, true, false], rows.isnan().any(1).data<bool>().ToArray());
        Assert.True(rows[5].eq(table.parameters().Single()[3]).all().item<bool>());
    }

    [Theory]
    [InlineData(Activation.Silu, 0.731059)]
    [InlineData(Activation.Mish, 0.865098)]
    [InlineData(Activation.Gelu, 0.841345)]
    [InlineData(Activation.Relu, 1.0)]
    public void ActivationsHaveTheirValueAtOne(Activation activation, double expected)
    {
        using var scope = NewDisposeScope();
        Assert.Equal(expected, activation.Apply(ones(1)).item<float>(), 1e-6);
    }

    [Fact]
    public void AttentionIsTheWeightedMeanOfTheFormula()
    {
        using var scope = NewDisposeScope();
        var random = new Generator(4);
        var (q, k, v) = (randn([2, 5, 8], ScalarType.Float64, generator: random), randn([2, 7, 8], ScalarType.Float64, generator: random), randn([2, 7, 8], ScalarType.Float64, generator: random));
        var given = ScaledDotProduct.Attend(q, k, v, heads: 2);
        for (var head = 0; head < 2; head++)
        {
            Tensor Part(Tensor t) => t.narrow(2, 4 * head, 4);
            var weights = bmm(Part(q), Part(k).transpose(1, 2)).div(2).softmax(2); // √4
            Assert.True((bmm(weights, Part(v)) - Part(given)).abs().max().item<double>() < 1e-12);
        }
    }

    [Fact]
    public void AGroupNormalisationNeedsEqualGroups()
    {
        Assert.Contains("6 channels into 4", Assert.Throws<ArgumentException>(() => GroupNormalization.Create(4, 6, 1e-5)).Message, StringComparison.Ordinal);
        Assert.Contains("into 0", Assert.Throws<ArgumentException>(() => GroupNormalization.Create(0, 6, 1e-5)).Message, StringComparison.Ordinal);
    }
}
