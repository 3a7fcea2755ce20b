using Diffusion.Data;
using Diffusion.Imaging;
using SkiaSharp;
using Xunit;

namespace Diffusion.Tests.Imaging;

public sealed class ImageFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("a.png", 1)]
    [InlineData("a.png", 3)]
    [InlineData("a.png", 4)]
    [InlineData("a.webp", 1)]
    [InlineData("a.webp", 3)]
    [InlineData("a.webp", 4)]
    public void LosslessFilesKeepEveryByte(string name, int channels)
    {
        var image = Bytes(channels, 37, 53);
        ImageFile.Write(image, _folder.File(name), quality: 100);
        var difference = ImageFile.Read(_folder.File(name), channels) - image;
        // WebP does not keep the colour of what is wholly transparent.
        if (channels == 4 && name == "a.webp") difference = difference.masked_fill(image[3].eq(-1), 0);
        Assert.Equal(0, difference.abs().max().item<float>());
        Assert.Equal([name], Directory.GetFiles(_folder.Path).Select(Path.GetFileName)); // and no temporary file is left
    }

    [Theory]
    [InlineData(ImageFormat.Jpeg)]
    [InlineData(ImageFormat.WebP)]
    public void LossyFilesComeNearAndNearerWithQuality(ImageFormat format)
    {
        using var shapes = new ShapesDataSet(size: 64);
        var image = shapes.Get(3).Data[0];
        double Error(int quality) => (ImageFile.Decode(ImageFile.Encode(image, format, quality)) - image).square().mean().sqrt().item<float>();
        Assert.InRange(Error(95), 0, 0.06);
        Assert.True(Error(95) < Error(30));
    }

    [Fact]
    public void BlackIsMinusOneAndWhiteIsOne()
    {
        var decoded = ImageFile.Decode(Pngs.Make(3, 1, 0, [0, 255, 51]));
        Assert.Equal([-1f, 1, -0.6f, -1, 1, -0.6f, -1, 1, -0.6f], decoded.data<float>().ToArray());
        Assert.Equal([3, 1, 3], decoded.shape);
    }

    [Fact]
    public void RowsRunDownAndColumnsToTheRight()
    {
        // Red grows to the right, green downwards.
        var decoded = ImageFile.Decode(Pngs.Make(2, 2, 2, [0, 0, 9, 255, 0, 9, 0, 255, 9, 255, 255, 9]));
        Assert.Equal([-1f, 1, -1, 1], decoded[0].data<float>().ToArray());
        Assert.Equal([-1f, -1, 1, 1], decoded[1].data<float>().ToArray());
    }

    [Fact]
    public void GreyIsRec601LumaAndGreyStaysWhatItIs()
    {
        var decoded = ImageFile.Decode(Pngs.Make(4, 1, 2, [255, 0, 0, 0, 255, 0, 0, 0, 255, 77, 77, 77]), channels: 1);
        var expected = new[] { 2 * 0.299f - 1, 2 * 0.587f - 1, 2 * 0.114f - 1 };
        for (var k = 0; k < 3; k++) Assert.Equal(expected[k], decoded[0, 0, k].item<float>(), 1e-6);
        Assert.Equal(PixelScale.FromByte(77), decoded[0, 0, 3].item<float>());
    }

    [Fact]
    public void TransparentImagesLieOnWhite()
    {
        var bytes = Pngs.Make(3, 1, 6, [10, 20, 30, 255, 10, 20, 30, 0, 0, 0, 0, 51]);
        var colour = ImageFile.Decode(bytes);
        Assert.Equal([PixelScale.FromByte(10), 1, 0.6f], colour[0, 0].data<float>().ToArray()); // a fifth black on white
        var all = ImageFile.Decode(bytes, channels: 4);
        Assert.Equal([4, 1, 3], all.shape);
        Assert.Equal([1f, -1, -0.6f], all[3, 0].data<float>().ToArray());
        Assert.Equal(PixelScale.FromByte(30), all[2, 0, 0].item<float>());
    }

    [Fact]
    public void ColoursAreTheNumbersInTheFile()
    {
        // A gamma of 1.0 would make every tone lighter if it were applied.
        var bytes = Pngs.Make(2, 1, 2, [100, 110, 120, 0, 128, 255], ("gAMA", [0, 1, 0x86, 0xA0]));
        Assert.Equal([100, 0, 110, 128, 120, 255], ImageFile.Decode(bytes).data<float>().ToArray().Select(v => (int)PixelScale.ToByte(v)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void ImagesStoredSidewaysAreTurnedUpright(byte orientation)
    {
        // What is seen: dark everywhere but for a bright top left and a half-bright top right corner.
        var seen = full(1, 16, 32, -1f);
        seen[.., ..8, ..8] = 1;
        seen[.., ..8, 24..] = 0;
        // What the camera stored: row 0 of the file is the side that EXIF names first, column 0 the side it names second.
        var stored = orientation switch
        {
            1 => seen,
            2 => seen.flip(2),               // top, right
            3 => seen.flip(1, 2),            // bottom, right
            4 => seen.flip(1),               // bottom, left
            5 => seen.mT,                    // left, top
            6 => seen.flip(2).mT,            // right, top
            7 => seen.flip(1, 2).mT,         // right, bottom
            _ => seen.flip(1).mT,            // left, bottom
        };
        var jpeg = ImageFile.Encode(stored, ImageFormat.Jpeg, 100);
        byte[] exif =
        [
            0xFF, 0xE1, 0, 34, (byte)'E', (byte)'x', (byte)'i', (byte)'f', 0, 0,
            (byte)'M', (byte)'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0,
        ];
        var decoded = ImageFile.Decode([.. jpeg[..2], .. exif, .. jpeg[2..]], channels: 1);
        Assert.Equal(seen.shape, decoded.shape);
        Assert.InRange((decoded - seen).abs().max().item<float>(), 0, 0.1);
        Assert.True(decoded.is_contiguous());
    }

    [Fact]
    public void ValuesBeyondTheRangeAreClippedAndOtherFloatTypesAccepted()
    {
        var image = tensor(new[] { -3f, 3, 0, float.PositiveInfinity, float.NegativeInfinity, 0.5f }).view(1, 2, 3);
        var decoded = ImageFile.Decode(ImageFile.Encode(image, ImageFormat.Png), 1);
        Assert.Equal([0, 255, 128, 255, 0, 191], decoded.data<float>().ToArray().Select(v => (int)PixelScale.ToByte(v)));
        foreach (var type in new[] { float64, float16, bfloat16 })
            Assert.NotEmpty(ImageFile.Encode(image.to(type), ImageFormat.Png));
        Assert.NotEmpty(ImageFile.Encode(image.clone().requires_grad_(), ImageFormat.Png));
        Assert.NotEmpty(ImageFile.Encode(image.transpose(1, 2), ImageFormat.Png));
    }

    [Fact]
    public void TensorsThatAreNoImageAreRefused()
    {
        Assert.Throws<ArgumentNullException>(() => ImageFile.Encode(null!, ImageFormat.Png));
        Refused(zeros(3, 4), "[3, 4]");
        Refused(zeros(1, 3, 4, 4), "[1, 3, 4, 4]");
        Refused(zeros(2, 4, 4), "[2, 4, 4]");
        Refused(zeros(3, 0, 4), "[3, 0, 4]");
        Refused(zeros(3, 4, 4, uint8), "Byte");
        Refused(full(3, 4, 4, float.NaN), "NaN");
        Refused(zeros(4, 4, 4), "opacity", ImageFormat.Jpeg);
        Refused(zeros(1, 1, 16_384), "16,383", ImageFormat.WebP);
        Refused(zeros(1, 1, 70_000), "65,500", ImageFormat.Jpeg);
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageFile.Encode(zeros(3, 4, 4), ImageFormat.Jpeg, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageFile.Encode(zeros(3, 4, 4), ImageFormat.Jpeg, 101));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageFile.Encode(zeros(3, 4, 4), (ImageFormat)9));
        Assert.Contains(".bmp", Assert.Throws<ArgumentException>(() => ImageFile.Write(zeros(3, 4, 4), "a.bmp")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => ImageFile.Write(zeros(3, 4, 4), "png"));
        Assert.Throws<DirectoryNotFoundException>(() => ImageFile.Write(zeros(3, 4, 4), _folder.File("missing/a.png")));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageFile.Decode(Pngs.Make(1, 1, 0, [0]), channels: 2));

        static void Refused(Tensor image, string fault, ImageFormat format = ImageFormat.Png)
        {
            var error = Assert.Throws<ArgumentException>(() => ImageFile.Encode(image, format));
            Assert.Contains(fault, error.Message, StringComparison.Ordinal);
            Assert.Equal("image", error.ParamName);
        }
    }

    [Fact]
    public void AFailedWriteLeavesTheOldFile()
    {
        var path = _folder.File("a.png");
        ImageFile.Write(zeros(3, 4, 4), path);
        var before = File.ReadAllBytes(path);
        Assert.Throws<ArgumentException>(() => ImageFile.Write(full(3, 4, 4, float.NaN), path));
        Assert.Equal(before, File.ReadAllBytes(path));
        ImageFile.Write(ones(3, 4, 4), path);
        Assert.Equal(1f, ImageFile.Read(path).min().item<float>());
    }

    [Fact]
    public void PicturesAreTheSameBytesEveryTime() =>
        Assert.Equal(ImageFile.Encode(Bytes(3, 9, 9), ImageFormat.Png), ImageFile.Encode(Bytes(3, 9, 9), ImageFormat.Png));

    [Fact]
    public void ArgumentsAreBorrowedAndTheResultIsTheOnlyNewTensor()
    {
        var image = Bytes(3, 8, 8);
        var copy = image.clone();
        var before = LiveTensors.Count();
        using (var decoded = ImageFile.Decode(ImageFile.Encode(image, ImageFormat.Png))) Assert.Equal(before + 1, LiveTensors.Count());
        Assert.Equal(before, LiveTensors.Count());
        Assert.True(image.equal(copy).all().item<bool>());
    }

    [Fact]
    public void OpaqueFilesHaveNoOpacity()
    {
        using var codec = SKCodec.Create(SKData.CreateCopy(ImageFile.Encode(Bytes(3, 4, 4), ImageFormat.Png)));
        Assert.Equal(SKAlphaType.Opaque, codec.Info.AlphaType);
    }

    /// <summary>Random whole levels.</summary>
    private static Tensor Bytes(int channels, int height, int width)
    {
        using var generator = new Generator(5);
        return randint(0, 256, [channels, height, width], dtype: float32, generator: generator).div(127.5f).sub(1f);
    }
}
