using System.Buffers.Binary;
using Diffusion.Data;
using Diffusion.Imaging;
using Xunit;

namespace Diffusion.Tests.Imaging;

public sealed class DamagedImageTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public static TheoryData<string> Formats => ["png", "jpg", "webp", "lossless webp", "transparent webp"];

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void TheFaultAndTheFileAreNamed()
    {
        Fault([], "is empty");
        Fault("GIF89a and so on"u8.ToArray(), "not a PNG, JPEG or WebP");
        Fault("RIFF0000WAVEfmt and so on, long enough to be read"u8.ToArray(), "not a PNG, JPEG or WebP");
        Fault(Encoded("png")[..20], "ends within its header");
        Fault(Encoded("jpg")[..20], "ends within its header");
        Fault(Encoded("webp")[..20], "ends within its header");
        Fault(Encoded("png")[..^30], "cut off");
        Fault(Encoded("jpg")[..^30], "cut off");
        Fault([0xFF, 0xD8, 0xFF, 0xD9, 0, 0, 0, 0, 0, 0, 0, 0], "without a frame header");
        var wrongSum = Encoded("png");
        wrongSum[^20] ^= 1;
        Fault(wrongSum, "damaged");
        Assert.Throws<FileNotFoundException>(() => ImageFile.Read(_folder.File("missing.png")));
        Assert.Throws<ArgumentException>(() => ImageFile.Read(""));

        void Fault(byte[] bytes, string fault)
        {
            var path = _folder.Write("picture", bytes);
            var error = Assert.Throws<InvalidDataException>(() => ImageFile.Read(path));
            Assert.Contains(path, error.Message, StringComparison.Ordinal);
            Assert.Contains(fault, error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void AFileCutOffAnywhereIsRefusedUnlessOnlyItsEndMarkIsGone(string format)
    {
        var whole = Encoded(format);
        var image = ImageFile.Decode(whole);
        for (var length = 0; length < whole.Length; length++)
        {
            using var scope = NewDisposeScope();
            try
            {
                var decoded = ImageFile.Decode(whole.AsSpan(0, length));
                Assert.InRange(length, whole.Length - 20, whole.Length); // checksum of the data, IEND, EOI, padding
                Assert.True(decoded.equal(image).all().item<bool>());
            }
            catch (InvalidDataException)
            {
            }
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void DamageGivesAnErrorOrAnImageAndNothingElse(string format)
    {
        var whole = Encoded(format);
        var random = new Random(1);
        for (var k = 0; k < 1500; k++)
        {
            using var scope = NewDisposeScope();
            var bytes = whole.ToArray();
            for (var n = 0; n <= k % 3; n++) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            try
            {
                var decoded = ImageFile.Decode(bytes);
                Assert.True(decoded.isfinite().all().item<bool>());
            }
            catch (InvalidDataException)
            {
            }
        }
    }

    [Fact]
    public void AHeaderThatClaimsTooMuchIsRefusedBeforeMemoryIsTaken()
    {
        var png = Encoded("png");
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), int.MaxValue);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), int.MaxValue);
        var smaller = Encoded("png");
        BinaryPrimitives.WriteInt32BigEndian(smaller.AsSpan(16), 9000);
        BinaryPrimitives.WriteInt32BigEndian(smaller.AsSpan(20), 9000);
        var jpg = Encoded("jpg");
        var frame = jpg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]);
        BinaryPrimitives.WriteUInt16BigEndian(jpg.AsSpan(frame + 5), 60_000);
        BinaryPrimitives.WriteUInt16BigEndian(jpg.AsSpan(frame + 7), 60_000);
        var webp = Encoded("transparent webp");
        webp.AsSpan(24, 6).Fill(0xFF);
        foreach (var bytes in new[] { png, smaller, jpg, webp })
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            Assert.Throws<InvalidDataException>(() => ImageFile.Decode(bytes));
            Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, 1 << 20);
        }
    }

    [Fact]
    public void TheBoundOfTheCallerIsKept()
    {
        var path = _folder.Write("picture.png", Encoded("png")); // 24 × 24
        Assert.Equal([3L, 24, 24], ImageFile.Read(path, maxPixels: 576).shape);
        var error = Assert.Throws<InvalidDataException>(() => ImageFile.Read(path, maxPixels: 575));
        Assert.Contains("24 × 24 pixels; at most 575 are decoded", error.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidDataException>(() => ImageFile.Decode(Encoded("webp"), maxPixels: 575));
        using var folder = ImageFolderDataSet.Open(_folder.Path, 8, maxPixels: 575);
        Assert.Contains(path, Assert.Throws<InvalidDataException>(() => folder.Get(0)).Message, StringComparison.Ordinal);
        foreach (var bound in new[] { 0, -1, ImageFile.MaxPixels + 1 })
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => ImageFile.Read(path, maxPixels: bound));
            Assert.Throws<ArgumentOutOfRangeException>(() => ImageFile.Decode([], maxPixels: bound));
            Assert.Throws<ArgumentOutOfRangeException>(() => ImageFolderDataSet.Open(_folder.Path, 8, maxPixels: bound));
        }
    }

    [Fact]
    public void ASizeOfNothingIsRefused()
    {
        var png = Encoded("png");
        png.AsSpan(16, 4).Clear();
        Assert.Contains("0 × 24", Assert.Throws<InvalidDataException>(() => ImageFile.Decode(png)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void HeadersWithFillBytesAndLoneMarkersAreRead()
    {
        var jpg = Encoded("jpg");
        var image = ImageFile.Decode(jpg);
        byte[] odd = [.. jpg[..2], 0xFF, 0xFF, 0xFE, 0, 4, 1, 2, .. jpg[2..]];
        Assert.True(ImageFile.Decode(odd).equal(image).all().item<bool>());
    }

    private static byte[] Encoded(string format)
    {
        using var scope = NewDisposeScope();
        using var shapes = new ShapesDataSet(size: 24);
        var image = shapes.Get(3).Data[0];
        return format switch
        {
            "png" => ImageFile.Encode(image, ImageFormat.Png),
            "jpg" => ImageFile.Encode(image, ImageFormat.Jpeg),
            "webp" => ImageFile.Encode(image, ImageFormat.WebP, 80),
            "lossless webp" => ImageFile.Encode(image, ImageFormat.WebP, 100),
            _ => ImageFile.Encode(cat([image, image.narrow(0, 0, 1)], 0), ImageFormat.WebP, 80),
        };
    }
}
