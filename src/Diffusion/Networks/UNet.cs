using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>
/// The convolutional U-Net of diffusion models (Ho et al. 2020; Song et al. 2021; Dhariwal and Nichol 2021): levels of residual
/// blocks and attention at falling resolution, then rising, with connections between them. It is UNet2DModel of diffusers, with
/// the same parameter names, so that its checkpoints load as they are.
/// </summary>
/// <remarks>
/// <c>forward(x, label, condition)</c>: x [batch, channels, height, width] in the type of the parameters, sides a multiple of
/// <see cref="UNetConfig.SizeMultiple"/>; label [batch], any real type (float32 or wider keeps integer timesteps exact; above 0
/// with <see cref="TimeEmbeddingType.Fourier"/>); condition: <see cref="Conditioning.ClassLabels"/> or
/// <see cref="Conditioning.Vector"/> where the network is conditional, and <see cref="Conditioning.Image"/>, joined to x on the
/// channel axis, where it takes one. Returns [batch, <see cref="UNetConfig.OutChannels"/>, height, width], fresh.
/// <para>
/// Labels outside the table of classes or of learned noise labels are an exception on the CPU; on an accelerator, where looking at
/// them would stall it, the sample comes out as NaN.
/// </para>
/// </remarks>
public sealed class UNet : DenoisingNetwork
{
    private const double FourierScale = 16;

    [ComponentName(Name = "conv_in")]
    private readonly Conv2d _convIn;

    [ComponentName(Name = "time_proj")]
    private readonly nn.Module<Tensor, Tensor> _timeFeatures;

    [ComponentName(Name = "time_embedding")]
    private readonly TimestepEmbedding _timeEmbedding;

    [ComponentName(Name = "class_embedding")]
    private readonly nn.Module<Tensor, Tensor>? _classEmbedding;

    [ComponentName(Name = "down_blocks")]
    private readonly ModuleList<DownBlock> _down = new();

    [ComponentName(Name = "up_blocks")]
    private readonly ModuleList<UpBlock> _up = new();

    [ComponentName(Name = "mid_block")]
    private readonly MidBlock? _mid;

    [ComponentName(Name = "conv_norm_out")]
    private readonly GroupNorm _normOut;

    [ComponentName(Name = "conv_out")]
    private readonly Conv2d _convOut;

    /// <summary>
    /// Makes a fresh network on the CPU. Convolutions and linear layers start as in PyTorch (weights and biases uniform in
    /// ±1/√fan-in), tables of labels standard normal, normalisations at weight 1 and bias 0. Drawn from the global generator in
    /// the order of diffusers: after the same <c>torch.manual_seed</c> both make the same network.
    /// </summary>
    /// <param name="config">The shape of the network.</param>
    /// <param name="zeroInit">
    /// Whether the last layer of the network and of every residual branch, attention included, starts at zero, so that the fresh
    /// network returns zero (Ho et al. 2020; Dhariwal and Nichol 2021). Training usually starts more calmly; diffusers does not.
    /// </param>
    /// <exception cref="ArgumentException">The configuration describes no network that runs.</exception>
    public UNet(UNetConfig config, bool zeroInit = false) : base(nameof(UNet))
    {
        ArgumentNullException.ThrowIfNull(config);
        UNetConfigRules.Check(config);
        Config = config;
        using var scope = NewDisposeScope(); // for what initialisation leaves; modules detach their parameters
        var channels = config.BlockOutChannels;
        _convIn = nn.Conv2d(config.InChannels, channels[0], 3, padding: 1);
        _timeFeatures = config.TimeEmbeddingType switch
        {
            TimeEmbeddingType.Fourier => new FourierEmbedding(channels[0], FourierScale),
            TimeEmbeddingType.Learned => new EmbeddingTable(config.NumTrainTimesteps!.Value, channels[0], "noise labels"),
            _ => new SinusoidalEmbedding(channels[0], config.FlipSinToCos, config.FreqShift),
        };
        var featureWidth = config.TimeEmbeddingType == TimeEmbeddingType.Fourier ? 2 * channels[0] : channels[0];
        _timeEmbedding = new TimestepEmbedding(featureWidth, config.TimeWidth);
        _classEmbedding = config switch
        {
            { ClassEmbedType: ClassEmbeddingType.Timestep } => new TimestepEmbedding(featureWidth, config.TimeWidth),
            { ClassEmbedType: null, NumClassEmbeds: { } count } => new EmbeddingTable(count, config.TimeWidth, "class labels"),
            _ => null,
        };

        var resnet = new ResnetOptions(config.TimeWidth, config.NormEps, config.ActFn, config.ResnetTimeScaleShift, config.Dropout);
        var options = new UNetBlockOptions(resnet, config.NormNumGroups, config.AttentionHeadDim, config.DownsamplePadding);
        for (var i = 0; i < channels.Length; i++) _down.Add(UNetLevels.Down(config, options, i));
        if (config.HasMidBlock) _mid = UNetLevels.Mid(config, resnet);
        for (var i = 0; i < channels.Length; i++) _up.Add(UNetLevels.Up(config, options, i));
        _normOut = GroupNormalization.Create(config.NormNumGroups ?? UNetBlockOptions.SkipGroups(channels[0]), channels[0], config.NormEps);
        _convOut = nn.Conv2d(channels[0], config.OutChannels, 3, padding: 1);
        RegisterComponents();
        if (zeroInit) ZeroBranches.Apply(this, _convOut);
    }

    /// <summary>The shape of the network.</summary>
    public UNetConfig Config { get; }

    /// <summary>
    /// Whether residual blocks forget their activations in training and compute them again in the backward pass: the same gradients to the bit for less
    /// memory and more time. Second derivatives come out as NaN. Not a part of the model: it is not saved. Default false.
    /// </summary>
    public bool RecomputesActivations
    {
        get;
        set
        {
            field = value;
            foreach (var block in modules().OfType<ResnetBlock>()) block.Recomputes = value;
        }
    }

    /// <summary>
    /// Loads a network from a folder as diffusers keeps UNet2DModel: config.json and diffusion_pytorch_model.safetensors. Weights in
    /// several files and the attention names of early versions are read too.
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <param name="device">Where the network is put; the CPU by default.</param>
    /// <param name="dtype">Type of its parameters; the file's are converted.</param>
    /// <param name="variant">Which of several versions of the weights, such as fp16.</param>
    /// <returns>The network, in training mode as a fresh one; the caller owns it. Draws nothing from the global generator.</returns>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">The configuration or the weights are missing.</exception>
    /// <exception cref="InvalidDataException">A file is not valid, or weights and configuration do not fit; the message names file and key.</exception>
    /// <exception cref="DeviceOutOfMemoryException">The device has not enough memory.</exception>
    /// <exception cref="InvalidOperationException">The application brought no libtorch; the message names the packages to add.</exception>
    public static UNet Load(string folder, Device? device = null, ScalarType dtype = ScalarType.Float32, string? variant = null) =>
        NetworkFolder.Load(folder, device, dtype, variant, UNetConfig.FromJson, LeastWeights.Of, config => new UNet(config));

    /// <summary>Saves config.json and diffusion_pytorch_model.safetensors, in the type that the parameters have; diffusers reads them.</summary>
    /// <param name="folder">The folder; made if missing. Files of these names in it are replaced when the new ones are complete.</param>
    /// <exception cref="IOException">The folder holds a checkpoint in several files, which readers would take for this one.</exception>
    public void Save(string folder) => NetworkFolder.Save(this, Config.ToJson(), folder);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A shape, type, device or label does not fit; the message says what is needed.</exception>
    public override Tensor forward(Tensor x, Tensor label, Conditioning? condition)
    {
        UNetInputs.Check(Config, _convIn.weight, x, label, condition);
        using var scope = NewDisposeScope();
        if (condition?.Image is { } joined) x = cat([x, joined], 1);
        if (Config.CenterInputSample) x = 2 * x - 1;
        // Every residual block starts from the activation of the embedding: computed once.
        var time = Config.ActFn.Apply(Embed(label, condition, x.dtype));

        var image = x;
        var h = _convIn.call(x);
        var skips = new Stack<Tensor>();
        skips.Push(h);
        foreach (var level in _down) h = level.Run(h, time, skips, ref image);
        if (_mid is not null) h = _mid.call(h, time);
        Tensor? painted = null;
        foreach (var level in _up) h = level.Run(h, time, skips, ref painted);

        var result = _convOut.call(nn.functional.silu(_normOut.call(h)));
        if (painted is not null) result.add_(painted);
        if (Config.TimeEmbeddingType == TimeEmbeddingType.Fourier)
            result = (result / label.to(float32).view(-1, 1, 1, 1)).to(x.dtype); // the label is σ: score = −ε/σ
        return result.MoveToOuterDisposeScope();
    }

    private Tensor Embed(Tensor label, Conditioning? condition, ScalarType type) // → [batch, time width]
    {
        var embedded = _timeEmbedding.call(_timeFeatures.call(label).to(type));
        if (_classEmbedding is not null)
        {
            var labels = condition!.ClassLabels!;
            var features = Config.ClassEmbedType == ClassEmbeddingType.Timestep ? _timeFeatures.call(labels).to(type) : labels;
            return embedded + _classEmbedding.call(features);
        }
        return condition?.Vector is { } vector ? embedded + vector : embedded;
    }
}
