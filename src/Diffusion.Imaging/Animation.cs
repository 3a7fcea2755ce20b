using Diffusion.Checkpoints;
using SkiaSharp;

namespace Diffusion.Imaging;

/// <summary>Moving pictures as animated WebP, lossless and repeating, which every current browser plays.</summary>
public static class Animation
{
    /// <summary>Writes frames to a file.</summary>
    /// <param name="frames">[count, 1, 3 or 4 channels, height, width], floating, at least one; values outside [−1, 1] are clipped.</param>
    /// <param name="path">The file, ending in .webp; its folder must exist.</param>
    /// <param name="frameTime">How long a frame is shown; 80 ms if null.</param>
    /// <param name="lastFrameTime">How long the last frame is shown before the first returns; 2 s if null.</param>
    /// <exception cref="ArgumentException">The tensor holds no frames or NaN, or the extension is another.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A time is below a millisecond or above a minute.</exception>
    public static void Write(Tensor frames, string path, TimeSpan? frameTime = null, TimeSpan? lastFrameTime = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!path.EndsWith(".webp", StringComparison.OrdinalIgnoreCase)) throw new ArgumentException($"'{path}' does not end in .webp.", nameof(path));
        var content = Encode(frames, frameTime, lastFrameTime);
        AtomicFile.Write(path, stream => stream.Write(content));
    }

    /// <summary>Encodes frames in memory. Frames that are equal to the one before are joined to it.</summary>
    /// <param name="frames">[count, 1, 3 or 4 channels, height, width], floating, at least one; values outside [−1, 1] are clipped.</param>
    /// <param name="frameTime">How long a frame is shown; 80 ms if null.</param>
    /// <param name="lastFrameTime">How long the last frame is shown before the first returns; 2 s if null.</param>
    /// <exception cref="ArgumentException">The tensor holds no frames or NaN.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A time is below a millisecond or above a minute.</exception>
    public static byte[] Encode(Tensor frames, TimeSpan? frameTime = null, TimeSpan? lastFrameTime = null)
    {
        ArgumentNullException.ThrowIfNull(frames);
        if (frames.dim() != 4 || frames.shape[1] is not (1 or 3 or 4) || frames.numel() == 0 || !frames.is_floating_point())
            throw new ArgumentException($"frames is {frames.dtype} of shape [{string.Join(", ", frames.shape)}]; a floating tensor [count, 1, 3 or 4, height, width] is needed.", nameof(frames));
        if (Math.Max(frames.shape[2], frames.shape[3]) > 16_383)
            throw new ArgumentException($"frames are {frames.shape[2]} × {frames.shape[3]} pixels; WebP takes at most 16,383 along a side.", nameof(frames));
        var usual = Checked(frameTime ?? TimeSpan.FromMilliseconds(80), nameof(frameTime));
        var last = Checked(lastFrameTime ?? TimeSpan.FromSeconds(2), nameof(lastFrameTime));
        var bitmaps = new List<SKBitmap>();
        try
        {
            using var scope = NewDisposeScope();
            for (var i = 0; i < frames.shape[0]; i++) bitmaps.Add(ImageFile.ToBitmap(frames[i], nameof(frames)));
            var sequence = bitmaps.Select((bitmap, i) => new SKWebpEncoderFrame(bitmap, i == bitmaps.Count - 1 ? last : usual)).ToArray();
            using var encoded = SKWebpEncoder.EncodeAnimated(sequence, new SKWebpEncoderOptions(SKWebpEncoderCompression.Lossless, 50))
                ?? throw new InvalidOperationException($"{frames.shape[0]} frames of shape [{string.Join(", ", frames.shape[1..])}] could not be encoded.");
            return encoded.ToArray();
        }
        finally
        {
            foreach (var bitmap in bitmaps) bitmap.Dispose();
        }
    }

    private static TimeSpan Checked(TimeSpan time, string name) => time >= TimeSpan.FromMilliseconds(1) && time <= TimeSpan.FromMinutes(1)
        ? time
        : throw new ArgumentOutOfRangeException(name, time, "A frame is shown for a millisecond to a minute.");
}
