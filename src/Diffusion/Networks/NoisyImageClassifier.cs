using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>
/// A classifier of noisy images for classifier guidance: the way down of a diffusion U-Net, told the noise label, then attention from one learned query to all pixels, and a linear layer to the logits.
/// (Dhariwal and Nichol 2021, section 4.1; the pool after Radford et al. 2021)
/// </summary>
public sealed class NoisyImageClassifier : DenoisingNetwork
{
    private const int MostGroups = 8;

    private readonly int _channels;
    private readonly int _size;

    [ComponentName(Name = "time_proj")]
    private readonly SinusoidalEmbedding _features;

    [ComponentName(Name = "time_embedding")]
    private readonly TimestepEmbedding _time;

    [ComponentName(Name = "conv_in")]
    private readonly Conv2d _convIn;

    [ComponentName(Name = "blocks")]
    private readonly ModuleList<ResnetBlock> _blocks;

    [ComponentName(Name = "norm_out")]
    private readonly GroupNorm _normOut;

    [ComponentName(Name = "query")]
    private readonly TorchSharp.Modules.Parameter _query;

    [ComponentName(Name = "to_k")]
    private readonly Linear _toKey;

    [ComponentName(Name = "to_v")]
    private readonly Linear _toValue;

    [ComponentName(Name = "head")]
    private readonly Linear _head;

    /// <summary>A fresh classifier; initial weights come from libtorch's global generator.</summary>
    /// <param name="channels">Colour channels, at least 1.</param>
    /// <param name="size">Height and width, a multiple of 2 to the number of levels.</param>
    /// <param name="classes">Number of classes, at least 2.</param>
    /// <param name="width">Channels of the first level, a multiple of 8; each further level has twice as many.</param>
    /// <param name="levels">How many times the image is halved, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public NoisyImageClassifier(int channels, int size, int classes, int width = 32, int levels = 2) : base(nameof(NoisyImageClassifier))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 2);
        if (width < 8 || width % 8 != 0 || width > 4096) throw new ArgumentOutOfRangeException(nameof(width), width, "The width is a multiple of 8, at most 4096.");
        if (levels < 1 || levels > 8) throw new ArgumentOutOfRangeException(nameof(levels), levels, "There are 1 … 8 levels.");
        if (size < 1 << levels || size % (1 << levels) != 0) throw new ArgumentOutOfRangeException(nameof(size), size, $"The classifier halves {levels} times, so height and width must be a multiple of {1 << levels}.");
        (_channels, _size, Classes) = (channels, size, classes);
        var timeWidth = 4L * width;
        var options = new ResnetOptions(timeWidth, 1e-5, Activation.Silu, ResnetTimeScaleShift.ScaleShift, 0);
        _features = new SinusoidalEmbedding(width, cosFirst: true, shift: 0);
        _time = new TimestepEmbedding(width, timeWidth);
        _convIn = nn.Conv2d(channels, width, 3, padding: 1);
        _blocks = new ModuleList<ResnetBlock>();
        var (given, next) = ((long)width, (long)width);
        for (var level = 0; level < levels; level++)
        {
            _blocks.Add(new ResnetBlock(given, next, MostGroups, MostGroups, options));
            _blocks.Add(new ResnetBlock(next, next, MostGroups, MostGroups, options, Resampling.Down));
            (given, next) = (next, 2 * next);
        }

        _blocks.Add(new ResnetBlock(given, next, MostGroups, MostGroups, options));
        _normOut = GroupNormalization.Create(MostGroups, next, 1e-5);
        _query = new TorchSharp.Modules.Parameter(randn(1, 1, next).mul(Math.Pow(next, -0.5)).DetachFromDisposeScope());
        _toKey = nn.Linear(next, next);
        _toValue = nn.Linear(next, next);
        _head = nn.Linear(next, classes);
        RegisterComponents();
    }

    /// <summary>Number of classes.</summary>
    public int Classes { get; }

    /// <summary>The logits of each class.</summary>
    /// <param name="x">Scaled noisy images [batch, channels, size, size].</param>
    /// <param name="label">The noise label [batch].</param>
    /// <param name="condition">None: a classifier takes no condition.</param>
    /// <returns>[batch, classes].</returns>
    /// <exception cref="ArgumentException">The images have another shape, or a condition is given.</exception>
    public override Tensor forward(Tensor x, Tensor label, Conditioning? condition)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(label);
        if (x.dim() != 4 || x.shape[1] != _channels || x.shape[2] != _size || x.shape[3] != _size || x.dtype != _query.dtype)
            throw new ArgumentException($"The images are {x.Describe()}; {_query.dtype} [batch, {_channels}, {_size}, {_size}] is needed.", nameof(x));
        if (label.dim() != 1 || label.shape[0] != x.shape[0]) throw new ArgumentException($"The label is {label.Describe()}; one number a sample, [{x.shape[0]}], is needed.", nameof(label));
        if (condition is { IsEmpty: false }) throw new ArgumentException("A classifier of noisy images takes no condition; what it shall recognise is its answer.", nameof(condition));
        using var scope = NewDisposeScope();
        var time = nn.functional.silu(_time.call(_features.call(label).to(x.dtype)));
        var h = _convIn.call(x);
        foreach (var block in _blocks) h = block.call(h, time);
        var pixels = nn.functional.silu(_normOut.call(h)).flatten(2).transpose(1, 2).contiguous(); // [batch, pixels, width]
        var query = _query.expand(pixels.shape[0], -1, -1);
        var pooled = ScaledDotProduct.Attend(query, _toKey.call(pixels), _toValue.call(pixels), 1).squeeze(1);
        return _head.call(pooled).MoveToOuterDisposeScope();
    }
}
