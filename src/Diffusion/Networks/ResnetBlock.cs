using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>
/// The residual block of diffusion U-Nets and autoencoders: norm, activation, convolution, noise label, norm, activation, dropout,
/// convolution; beside it the input, through a 1×1 convolution where channels change (Ho et al. 2020; Dhariwal and Nichol 2021).
/// May halve or double the resolution inside.
/// </summary>
internal sealed class ResnetBlock : nn.Module<Tensor, Tensor?, Tensor>
{
    private readonly ResnetOptions _options;
    private readonly Resampling _resampling;

    [ComponentName(Name = "norm1")]
    private readonly GroupNorm _norm1;

    [ComponentName(Name = "conv1")]
    private readonly Conv2d _conv1;

    [ComponentName(Name = "time_emb_proj")]
    private readonly Linear? _time;

    [ComponentName(Name = "norm2")]
    private readonly GroupNorm _norm2;

    [ComponentName(Name = "conv2")]
    private readonly Conv2d _conv2;

    [ComponentName(Name = "conv_shortcut")]
    private readonly Conv2d? _shortcut;

    /// <param name="channels">Channels in.</param>
    /// <param name="outChannels">Channels out.</param>
    /// <param name="groups">Groups of the first normalisation.</param>
    /// <param name="outGroups">Groups of the second.</param>
    /// <param name="options">Common settings.</param>
    /// <param name="resampling">Change of resolution.</param>
    /// <param name="shortcut">Whether the input passes a 1×1 convolution even where channels stay.</param>
    public ResnetBlock(
        long channels, long outChannels, long groups, long outGroups, ResnetOptions options,
        Resampling resampling = Resampling.None, bool shortcut = false)
        : base(nameof(ResnetBlock))
    {
        (_options, _resampling) = (options, resampling);
        _norm1 = GroupNormalization.Create(groups, channels, options.Eps);
        _conv1 = nn.Conv2d(channels, outChannels, 3, padding: 1);
        if (options.TimeWidth is { } width)
            _time = nn.Linear(width, options.TimeScaleShift == ResnetTimeScaleShift.ScaleShift ? 2 * outChannels : outChannels);
        _norm2 = GroupNormalization.Create(outGroups, outChannels, options.Eps);
        _conv2 = nn.Conv2d(outChannels, outChannels, 3, padding: 1);
        if (shortcut || channels != outChannels) _shortcut = nn.Conv2d(channels, outChannels, 1);
        RegisterComponents();
    }

    /// <summary>The last layer of the residual branch.</summary>
    public Conv2d Output => _conv2;

    /// <summary>Whether the backward pass computes the block again instead of keeping its activations.</summary>
    public bool Recomputes { get; set; }

    /// <param name="x">[batch, channels, height, width].</param>
    /// <param name="time">The embedded noise label, after the activation, [batch, time width]; null where the network has none.</param>
    public override Tensor forward(Tensor x, Tensor? time) => // → [batch, out channels, …]
        Recomputes
            ? Recomputation.Run(this, inputs => Compute(inputs[1], inputs[0], inputs.Count > 2 ? inputs[2] : null), training && _options.Dropout > 0, time is null ? [x, x] : [x, x, time])
            : Compute(x, x, time);

    private Tensor Compute(Tensor x, Tensor skip, Tensor? time) // skip is x
    {
        using var scope = NewDisposeScope();
        var h = _options.Activation.Apply(_norm1.call(x));
        if (_resampling != Resampling.None) (skip, h) = (_resampling.Apply(skip), _resampling.Apply(h));
        h = _conv1.call(h);
        h = _time is null ? _norm2.call(h) : WithTime(h, _time.call(time!).unsqueeze(-1).unsqueeze(-1));
        h = _options.Activation.Apply(h);
        if (training && _options.Dropout > 0) h = nn.functional.dropout(h, _options.Dropout);
        h = _conv2.call(h);
        if (_shortcut is not null) skip = _shortcut.call(skip);
        // In place on our own result: no convolution needs its output for the gradient.
        h.add_(skip);
        if (_options.OutputScale != 1) h.div_(_options.OutputScale);
        return h.MoveToOuterDisposeScope();
    }

    private Tensor WithTime(Tensor h, Tensor time) // time: [batch, channels or twice, 1, 1]
    {
        if (_options.TimeScaleShift == ResnetTimeScaleShift.Default) return _norm2.call(h.add_(time));
        var halves = time.chunk(2, 1);
        return addcmul(halves[1], _norm2.call(h), halves[0] + 1, 1);
    }
}
