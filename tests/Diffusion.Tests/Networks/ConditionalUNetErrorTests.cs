using Diffusion.Networks;
using Xunit;

namespace Diffusion.Tests.Networks;

public class ConditionalUNetErrorTests
{
    private delegate Conditioning Change(Conditioning given);

    private static string Fault(string kind, Change change, Func<Tensor>? x = null, Func<Tensor>? label = null)
    {
        using var scope = NewDisposeScope();
        using var network = new ConditionalUNet(ConditionalUNetConfigs.Of(kind));
        var (state, labels, condition) = ConditionalUNetConfigs.Inputs(network.Config, 2);
        return Assert.ThrowsAny<ArgumentException>(() => network.call(x?.Invoke() ?? state, label?.Invoke() ?? labels, change(condition))).Message;
    }

    private static void Says(string expected, string message) => Assert.Contains(expected, message, StringComparison.Ordinal);

    [Fact]
    public void TheContextMustBeGivenAndFit()
    {
        Says("conditional and the condition's Context is missing: [batch, tokens, 12] is needed", Fault("transformers", _ => new()));
        Says("Context is missing", Fault("transformers", _ => null!));
        Says("Context is Float32 [2, 5, 16] on cpu; Float32 [2, tokens, 12] on cpu is needed", Fault("transformers", _ => new() { Context = ones(2, 5, 16) }));
        Says("[2, tokens, 10]", Fault("projected text", _ => new() { Context = ones(2, 5, 12) }));
        Says("Context is Float32 [1, 5, 12]", Fault("transformers", _ => new() { Context = ones(1, 5, 12) }));
        Says("Context is Float32 [2, 12]", Fault("transformers", _ => new() { Context = ones(2, 12) }));
        Says("Context is Float32 [2, 0, 12]", Fault("transformers", _ => new() { Context = ones(2, 0, 12) }));
        Says("Context is Float64", Fault("transformers", _ => new() { Context = ones(2, 5, 12, float64) }));
        Says("on meta", Fault("transformers", _ => new() { Context = ones(2, 5, 12, device: META) }));
        Says("5 tokens; this U-Net takes 77 of a text and then 257 of an image, 334", Fault("dual", _ => new() { Context = ones(2, 5, 12) }));
        Says("gives Context; this U-Net takes none", Fault("no context", _ => new() { Context = ones(2, 5, 12) }));
        Says("gives Context; this U-Net takes none", Fault("projected image", c => new() { Context = ones(2, 5, 12), ImageEmbedding = c.ImageEmbedding }));
    }

    [Fact]
    public void TheMaskMustFitTheContext()
    {
        Says("ContextMask is Bool [2, 4] on cpu; Bool [2, 5] on cpu, one a token of Context", Fault("transformers", c => new() { Context = c.Context, ContextMask = ones(2, 4, ScalarType.Bool) }));
        Says("ContextMask is Float32 [2, 5]", Fault("transformers", c => new() { Context = c.Context, ContextMask = ones(2, 5) }));
        Says("ContextMask without Context", Fault("no context", _ => new() { ContextMask = ones(2, 5, ScalarType.Bool) }));
        Says("ContextMask without Context", Fault("projected image", c => new() { ImageEmbedding = c.ImageEmbedding, ContextMask = ones(2, 5, ScalarType.Bool) }));
    }

    [Fact]
    public void PooledTextAndSizesMustBeGivenAndFit()
    {
        const string kind = "added text and sizes";
        Says("TimeIds is missing: [batch, numbers] (height, width, top, left", Fault(kind, c => new() { Context = c.Context, PooledText = c.PooledText }));
        Says("PooledText is missing: [batch, 10]", Fault(kind, c => new() { Context = c.Context, TimeIds = c.TimeIds }));
        Says("PooledText is Float32 [2, 8] on cpu and TimeIds has 6 numbers of 6 each; together they must be 46 wide, so [2, 10] is needed",
            Fault(kind, c => new() { Context = c.Context, TimeIds = c.TimeIds, PooledText = ones(2, 8) }));
        Says("PooledText is Float64 [2, 10]", Fault(kind, c => new() { Context = c.Context, TimeIds = c.TimeIds, PooledText = ones(2, 10, float64) }));
        Says("TimeIds are Float32 [6]", Fault(kind, c => new() { Context = c.Context, TimeIds = ones(6), PooledText = c.PooledText }));
        Says("TimeIds are 8 numbers of 6 each; this U-Net embeds 46 in all", Fault(kind, c => new() { Context = c.Context, TimeIds = ones(2, 8), PooledText = c.PooledText }));
        Says("gives PooledText; this U-Net takes none", Fault("transformers", c => new() { Context = c.Context, PooledText = ones(2, 10) }));
        Says("gives TimeIds; this U-Net takes none", Fault("transformers", c => new() { Context = c.Context, TimeIds = ones(2, 6) }));
        Says("PooledText is missing: [batch, 12]", Fault("projected both", c => new() { Context = c.Context, ImageEmbedding = c.ImageEmbedding }));
    }

    [Fact]
    public void ImagesMustBeGivenAndFit()
    {
        Says("ImageEmbedding is missing: [batch, 10]", Fault("projected image", _ => new()));
        Says("ImageEmbedding is Float32 [2, 9] on cpu; Float32 [2, 10] on cpu is needed", Fault("projected image", _ => new() { ImageEmbedding = ones(2, 9) }));
        Says("gives ImageEmbedding; this U-Net takes none", Fault("transformers", c => new() { Context = c.Context, ImageEmbedding = ones(2, 9) }));
        Says("Image is missing: [batch, 3, 8·height, 8·width]", Fault("hint", c => new() { ImageEmbedding = c.ImageEmbedding }));
        Says("Image is Float32 [2, 3, 8, 12] on cpu; as a hint, Float32 [2, 3, 64, 96]", Fault("hint", c => new() { ImageEmbedding = c.ImageEmbedding, Image = ones(2, 3, 8, 12) }));
        Says("x has 4 channels; this U-Net takes 7", Fault("table", c => new() { Context = c.Context, ClassLabels = c.ClassLabels }));
        Says("x has 4 channels and the condition's Image 2; this U-Net takes 7", Fault("table", c => new() { Context = c.Context, ClassLabels = c.ClassLabels, Image = ones(2, 2, 8, 12) }));
    }

    [Fact]
    public void TheClassMustBeGivenAndFit()
    {
        Conditioning Table(Conditioning c, Tensor? labels) => new() { Context = c.Context, Image = c.Image, ClassLabels = labels };
        Says("ClassLabels is missing: one of 5 a sample, [batch]", Fault("table", c => Table(c, null)));
        Says("class labels is 5; whole numbers from 0 to 4 are needed", Fault("table", c => Table(c, tensor(new long[] { 0, 5 }))));
        Says("class labels is -1;", Fault("table", c => Table(c, tensor(new long[] { -1, 5 }))));
        Says("ClassLabels are Float32 [2] on cpu; int64 [2] on cpu is needed", Fault("table", c => Table(c, ones(2))));
        Says("ClassLabels are Int64 [3]", Fault("table", c => Table(c, ones(3, int64))));
        Says("ClassLabels is missing: one number a sample", Fault("numbered class", c => new() { Context = c.Context }));
        Says("gives ClassLabels; this U-Net takes none", Fault("transformers", c => new() { Context = c.Context, ClassLabels = ones(2, int64) }));
        Says("gives ClassLabels; this U-Net takes none", Fault("projected class", c => new() { Context = c.Context, ClassLabels = ones(2, int64), Vector = c.Vector }));
        Says("Vector is missing: [batch, 9]", Fault("projected class", c => new() { Context = c.Context }));
        Says("Vector is missing: [batch, 32]", Fault("class vector", c => new() { Context = c.Context }));
        Says("Vector is Float32 [2, 8] on cpu; Float32 [2, 9]", Fault("simply projected class", c => new() { Context = c.Context, Vector = ones(2, 8) }));
        Says("gives Vector; this U-Net takes none", Fault("transformers", c => new() { Context = c.Context, Vector = ones(2, 8) }));
    }

    [Fact]
    public void OtherConditionsAreRefusedOrMustFit()
    {
        Says("gives GuidanceEmbedding; this U-Net takes none", Fault("transformers", c => new() { Context = c.Context, GuidanceEmbedding = ones(2, 7) }));
        Says("GuidanceEmbedding is Float32 [2, 6] on cpu; Float32 [2, 7]", Fault("fourier", c => new() { Context = c.Context, GuidanceEmbedding = ones(2, 6) }));
        Says("gives AugmentationLevel; this U-Net takes none", Fault("transformers", c => new() { Context = c.Context, AugmentationLevel = ones(2) }));
    }

    [Fact]
    public void TheStateAndItsLabelMustFit()
    {
        Says("[batch, channels, height, width]", Fault("transformers", c => c, () => ones(4, 8, 8)));
        Says("x has 3 channels; this U-Net takes 4", Fault("transformers", c => c, () => ones(2, 3, 8, 8)));
        Says("this network is Float32", Fault("transformers", c => c, () => ones(2, 4, 8, 8, float64)));
        Says("there must be a sample, and it a pixel", Fault("transformers", c => c, () => ones(2, 4, 0, 8)));
        Says("halves 1 times, so height and width must be multiples of 2", Fault("simple", c => c, () => ones(2, 4, 8, 9)));
        Says("halves 1 times, so height and width must be at least 2", Fault("lists", c => c, () => ones(2, 4, 8, 1)));
        Says("label is Float32 [3] on cpu; one number a sample, [2]", Fault("transformers", c => c, label: () => ones(3)));
    }
}
