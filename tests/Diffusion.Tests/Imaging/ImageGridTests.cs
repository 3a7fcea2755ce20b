using Diffusion.Imaging;
using Xunit;

namespace Diffusion.Tests.Imaging;

public sealed class ImageGridTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void ImagesFillRowsFromTheTopLeft()
    {
        // Five images of one value each, 2 × 3 pixels, in rows of three.
        var images = arange(5, dtype: float32).div(10).view(5, 1, 1, 1).expand(5, 3, 2, 3);
        var sheet = ImageGrid.Make(images, columns: 3, padding: 1);
        Assert.Equal([3, 1 + 2 * 3, 1 + 3 * 4], sheet.shape);
        var expected = new float[7, 13];
        for (var y = 0; y < 7; y++)
            for (var x = 0; x < 13; x++)
                expected[y, x] = (y % 3, x % 4, y / 3 * 3 + x / 4) is ( > 0, > 0, < 5 and var k) ? k / 10f : 1;
        for (var c = 0; c < 3; c++) Assert.Equal(expected.Cast<float>(), sheet[c].contiguous().data<float>().ToArray());
    }

    [Fact]
    public void WithoutAWidthTheSheetIsAboutSquare()
    {
        Assert.Equal([1, 2 + 3 * 6, 2 + 4 * 6], ImageGrid.Make(zeros(11, 1, 4, 4)).shape);
        Assert.Equal([1, 4, 4], ImageGrid.Make(zeros(1, 1, 4, 4), padding: 0).shape);
    }

    [Fact]
    public void EnlargingRepeatsPixels()
    {
        var images = rand(2, 3, 4, 5);
        var sheet = ImageGrid.Make(images, columns: 2, padding: 0, scale: 3);
        Assert.Equal([3, 12, 30], sheet.shape);
        for (var dy = 0; dy < 3; dy++)
            for (var dx = 0; dx < 3; dx++)
                Assert.True(sheet[.., TensorIndex.Slice(dy, null, 3), TensorIndex.Slice(dx, 15, 3)].equal(images[0]).all().item<bool>());
    }

    [Theory]
    [InlineData(1.0)]
    [InlineData(-1.0)]
    public void LabelsStandBesideTheImagesAndCanBeSeen(double background)
    {
        var images = full(6, 3, 20, 30, 0.25f);
        var plain = ImageGrid.Make(images, columns: 3, background: background);
        var labelled = ImageGrid.Make(images, columns: 3, background: background, rowLabels: ["circle", "half disc"], columnLabels: ["t = 1", "0.5", "0"]);
        var (top, left) = ((int)(labelled.shape[1] - plain.shape[1]), (int)(labelled.shape[2] - plain.shape[2]));
        Assert.InRange(top, 15, 30);
        Assert.InRange(left, 40, 90);
        // The images themselves are untouched.
        Assert.True(labelled[.., (top + 2).., (left + 2)..].equal(plain[.., 2.., 2..]).all().item<bool>());
        // There is ink before each row and above each column, none where the margins cross, and none touches the edge.
        var ink = (labelled[0] - (float)background).abs().gt(0.5);
        Assert.True(ink[(top + 2)..(top + 22), ..left].any().item<bool>());
        Assert.True(ink[(top + 24)..(top + 44), ..left].any().item<bool>());
        for (var column = 0; column < 3; column++)
            Assert.True(ink[..top, (left + 2 + column * 32)..(left + 32 + column * 32)].any().item<bool>());
        Assert.False(ink[..top, ..(left - 10)].any().item<bool>());
        Assert.False(ink[.., 0].any().item<bool>());
    }

    [Fact]
    public void AnyFloatTypeIsLaidOutAndTheArgumentIsBorrowed()
    {
        var images = rand(2, 1, 20, 20);
        var copy = images.clone();
        foreach (var type in new[] { float64, bfloat16 })
            Assert.Equal(type, ImageGrid.Make(images.to(type), rowLabels: ["a"]).dtype);
        var before = LiveTensors.Count();
        using (ImageGrid.Make(images, scale: 2, rowLabels: ["a"])) Assert.Equal(before + 1, LiveTensors.Count());
        Assert.Equal(before, LiveTensors.Count());
        Assert.True(images.equal(copy).all().item<bool>());
    }

    [Fact]
    public void SettingsThatCannotWorkAreRefused()
    {
        var images = zeros(4, 3, 4, 4);
        Assert.Throws<ArgumentNullException>(() => ImageGrid.Make(null!));
        Assert.Contains("[3, 4, 4]", Assert.Throws<ArgumentException>(() => ImageGrid.Make(zeros(3, 4, 4))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => ImageGrid.Make(zeros(0, 3, 4, 4)));
        Assert.Throws<ArgumentException>(() => ImageGrid.Make(zeros(4, 3, 4, 4, uint8)));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageGrid.Make(images, columns: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageGrid.Make(images, padding: -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageGrid.Make(images, scale: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageGrid.Make(images, background: double.NaN));
        Assert.Contains("2 rows", Assert.Throws<ArgumentException>(() => ImageGrid.Make(images, rowLabels: ["a"])).Message, StringComparison.Ordinal);
        Assert.Contains("2 columns", Assert.Throws<ArgumentException>(() => ImageGrid.Make(images, columnLabels: ["a"])).Message, StringComparison.Ordinal);
    }
}
