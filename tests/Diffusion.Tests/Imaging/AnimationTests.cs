using Diffusion.Imaging;
using SkiaSharp;
using Xunit;

namespace Diffusion.Tests.Imaging;

public sealed class AnimationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    public void EveryFrameIsThereForItsTimeAndRepeats(int channels)
    {
        var frames = Frames(12, channels);
        Animation.Write(frames, _folder.File("a.webp"), TimeSpan.FromMilliseconds(40), TimeSpan.FromMilliseconds(700));
        using var codec = SKCodec.Create(_folder.File("a.webp"));
        Assert.Equal(12, codec.FrameCount);
        Assert.Equal([.. Enumerable.Repeat(40, 11), 700], codec.FrameInfo.Select(frame => frame.Duration));
        Assert.Equal(-1, codec.RepetitionCount); // without end
        for (var k = 0; k < 12; k++)
        {
            var info = new SKImageInfo(20, 16, SKColorType.Rgba8888, SKAlphaType.Unpremul);
            using var bitmap = new SKBitmap(info);
            Assert.Equal(SKCodecResult.Success, codec.GetPixels(info, bitmap.GetPixels(), new SKCodecOptions(k)));
            var decoded = PixelLayout.FromRgba(bitmap.GetPixelSpan(), 20, 16, channels);
            if (channels < 4) Assert.Equal(0, (decoded - frames[k]).abs().max().item<float>());
            else Assert.Equal(0, (decoded[3] - frames[k][3]).abs().max().item<float>());
        }
    }

    [Fact]
    public void TheFirstFrameIsReadAsAnImage()
    {
        var frames = Frames(3, 3);
        Assert.Equal(0, (ImageFile.Decode(Animation.Encode(frames)) - frames[0]).abs().max().item<float>());
    }

    [Fact]
    public void OneFrameIsAnAnimationToo() => Assert.NotEmpty(Animation.Encode(Frames(1, 3)));

    [Fact]
    public void TensorsAndTimesThatCannotWorkAreRefused()
    {
        Assert.Throws<ArgumentNullException>(() => Animation.Encode(null!));
        Assert.Throws<ArgumentException>(() => Animation.Encode(zeros(3, 4, 4)));
        Assert.Throws<ArgumentException>(() => Animation.Encode(zeros(0, 3, 4, 4)));
        Assert.Throws<ArgumentException>(() => Animation.Encode(zeros(2, 2, 4, 4)));
        Assert.Throws<ArgumentException>(() => Animation.Encode(zeros(2, 3, 4, 4, uint8)));
        Assert.Throws<ArgumentException>(() => Animation.Encode(full(2, 3, 4, 4, float.NaN)));
        Assert.Contains("16,383", Assert.Throws<ArgumentException>(() => Animation.Encode(zeros(1, 1, 1, 16_384))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => Animation.Encode(zeros(2, 3, 4, 4), TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => Animation.Encode(zeros(2, 3, 4, 4), null, TimeSpan.FromHours(1)));
        Assert.Throws<ArgumentException>(() => Animation.Write(zeros(2, 3, 4, 4), _folder.File("a.gif")));
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    private static Tensor Frames(int count, int channels)
    {
        using var generator = new Generator(1);
        return randint(0, 256, [count, channels, 16, 20], dtype: float32, generator: generator).div(127.5f).sub(1f);
    }
}
