namespace Diffusion.Networks;

/// <summary>How a residual block changes the resolution of what passes through it.</summary>
internal enum Resampling
{
    None,

    /// <summary>Halves: mean of 2×2 pixels.</summary>
    Down,

    /// <summary>Doubles: nearest neighbour.</summary>
    Up,

    /// <summary>Halves through the binomial filter.</summary>
    FilteredDown,

    /// <summary>Doubles through the binomial filter.</summary>
    FilteredUp,
}

internal static class ResamplingFilter
{
    public static Tensor Apply(this Resampling resampling, Tensor x) => resampling switch // x: [batch, channels, height, width]
    {
        Resampling.Down => nn.functional.avg_pool2d(x, 2, 2),
        Resampling.Up => nn.functional.interpolate(x, scale_factor: [2, 2]),
        Resampling.FilteredDown => Filter(x, up: false),
        Resampling.FilteredUp => Filter(x, up: true),
        _ => throw new ArgumentOutOfRangeException(nameof(resampling), resampling, "Nothing to do."),
    };

    /// <summary>
    /// The filter (1, 3, 3, 1)/8 in both directions, then every second pixel; upward, on the image with zeros put between its
    /// pixels, and with gain 4 so that a constant stays itself (StyleGAN 2; Song et al. 2021). Outside the image lies zero.
    /// </summary>
    private static Tensor Filter(Tensor x, bool up)
    {
        using var scope = NewDisposeScope();
        // ½ − |i|/4 at i = −1.5 … 1.5: made on the device, since a copy from the host would wait.
        var taps = arange(-1.5, 2, 1, float32, x.device).abs_().mul_(-0.25).add_(0.5);
        var kernel = (taps.view(4, 1) * taps * (up ? 4 : 1)).to(x.dtype);
        var channels = x.shape[1];
        var weight = kernel.expand(channels, 1, 4, 4); // one filter a channel
        var result = up
            ? nn.functional.conv_transpose2d(x, weight, strides: [2, 2], padding: [1, 1], groups: channels)
            : nn.functional.conv2d(x, weight, strides: [2, 2], padding: [1, 1], groups: channels);
        return result.MoveToOuterDisposeScope();
    }
}
