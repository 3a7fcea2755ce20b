using SkiaSharp;

namespace Diffusion.Imaging;

/// <summary>Moving pictures as animated WebP, which every current browser plays.</summary>
public static class Animation
{
    /// <summary>Writes frames to a file.</summary>
    /// <param name="frames">[count, channels, height, width] in [−1, 1], at least one.</param>
    /// <param name="path">The file, ending in .webp; its folder must exist.</param>
    /// <param name="frameTime">How long a frame is shown; 80 ms if null.</param>
    /// <param name="lastFrameTime">How long the last frame is shown; 2 s if null.</param>
    /// <exception cref="ArgumentException">The tensor holds no frames, or the extension is another.</exception>
    public static void Write(Tensor frames, string path, TimeSpan? frameTime = null, TimeSpan? lastFrameTime = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!path.EndsWith(".webp", StringComparison.OrdinalIgnoreCase)) throw new ArgumentException($"'{path}' does not end in .webp.", nameof(path));
        AtomicWrite.To(path, Encode(frames, frameTime, lastFrameTime));
    }

    /// <summary>Encodes frames in memory.</summary>
    /// <param name="frames">[count, channels, height, width] in [−1, 1], at least one.</param>
    /// <param name="frameTime">How long a frame is shown; 80 ms if null.</param>
    /// <param name="lastFrameTime">How long the last frame is shown; 2 s if null.</param>
    /// <exception cref="ArgumentException">The tensor holds no frames.</exception>
    public static byte[] Encode(Tensor frames, TimeSpan? frameTime = null, TimeSpan? lastFrameTime = null)
    {
        ArgumentNullException.ThrowIfNull(frames);
        if (frames.dim() != 4 || frames.shape[0] < 1)
            throw new ArgumentException($"frames has shape [{string.Join(", ", frames.shape)}]; [count, channels, height, width] is needed.", nameof(frames));
        var usual = Positive(frameTime ?? TimeSpan.FromMilliseconds(80), nameof(frameTime));
        var last = Positive(lastFrameTime ?? TimeSpan.FromSeconds(2), nameof(lastFrameTime));
        var bitmaps = new List<SKBitmap>();
        try
        {
            using var scope = NewDisposeScope();
            for (var i = 0; i < frames.shape[0]; i++) bitmaps.Add(ImageFile.ToBitmap(frames[i]));
            var sequence = bitmaps.Select((bitmap, i) => new SKWebpEncoderFrame(bitmap, i == bitmaps.Count - 1 ? last : usual)).ToArray();
            using var encoded = SKWebpEncoder.EncodeAnimated(sequence, new SKWebpEncoderOptions(SKWebpEncoderCompression.Lossless, 50));
            return encoded?.ToArray() ?? throw new InvalidOperationException($"{frames.shape[0]} frames of shape [{string.Join(", ", frames.shape[1..])}] could not be encoded.");
        }
        finally
        {
            foreach (var bitmap in bitmaps) bitmap.Dispose();
        }
    }

    private static TimeSpan Positive(TimeSpan time, string name) =>
        time >= TimeSpan.FromMilliseconds(1) ? time : throw new ArgumentOutOfRangeException(name, time, "A frame is shown for at least a millisecond.");
}
