using TorchSharp.Modules;
using TorchSharp.Utils;
using static Diffusion.Networks.ConditionalUNetWidths;

namespace Diffusion.Networks;

/// <summary>
/// The U-Net of latent diffusion (Rombach et al. 2022) and its relatives (Stable Diffusion, SDXL, unCLIP, IF): levels of residual blocks and of
/// transformers that attend to a context such as an encoded text. It is UNet2DConditionModel of diffusers, with the same parameter names, so
/// that its checkpoints load as they are.
/// </summary>
/// <remarks>
/// <c>forward(x, label, condition)</c>: x [batch, channels, height, width] in the type of the parameters; label [batch], any real type; condition:
/// what the configuration asks for, each in the type of x. Returns [batch, <see cref="ConditionalUNetConfig.OutChannels"/>, height, width], fresh.
/// Height and width may be any where convolutions change the resolution, else multiples of 2^(levels − 1).
/// <para>
/// Class labels outside the table are an exception on the CPU; on an accelerator, where looking at them would stall it, the sample comes out as
/// NaN. A sample all of whose context is masked attends to all tokens alike.
/// </para>
/// </remarks>
public sealed class ConditionalUNet : DenoisingNetwork
{
    [ComponentName(Name = "conv_in")]
    private readonly Conv2d _convIn;

    [ComponentName(Name = "time_proj")]
    private readonly nn.Module<Tensor, Tensor> _timeFeatures;

    [ComponentName(Name = "time_embedding")]
    private readonly TimestepEmbedding _timeEmbedding;

    [ComponentName(Name = "encoder_hid_proj")]
    private readonly nn.Module? _contextProjection;

    [ComponentName(Name = "class_embedding")]
    private readonly nn.Module<Tensor, Tensor>? _classEmbedding;

    [ComponentName(Name = "add_time_proj")]
    private readonly SinusoidalEmbedding? _addedFeatures;

    [ComponentName(Name = "add_embedding")]
    private readonly nn.Module? _addedEmbedding;

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
    /// Makes a fresh network on the CPU. Convolutions and linear layers start as in PyTorch (weights and biases uniform in ±1/√fan-in), tables of
    /// labels and Fourier frequencies standard normal, normalisations at weight 1 and bias 0. Drawn from the global generator in the order of
    /// diffusers: after the same <c>torch.manual_seed</c> both make the same network.
    /// </summary>
    /// <param name="config">The shape of the network.</param>
    /// <param name="zeroInit">
    /// Whether the last layer of the network and of every residual branch, transformers included, starts at zero, so that the fresh network
    /// returns zero. Training usually starts more calmly; diffusers does not.
    /// </param>
    /// <exception cref="ArgumentException">The configuration describes no network that runs.</exception>
    public ConditionalUNet(ConditionalUNetConfig config, bool zeroInit = false) : base(nameof(ConditionalUNet))
    {
        ArgumentNullException.ThrowIfNull(config);
        ConditionalUNetRules.Check(config);
        Config = config;
        using var scope = NewDisposeScope(); // for what initialisation leaves; modules detach their parameters
        var (channels, width) = (config.BlockOutChannels, config.TimeWidth);
        _convIn = nn.Conv2d(config.InChannels, channels[0], config.ConvInKernel, padding: config.ConvInKernel / 2);
        var fourier = config.TimeEmbeddingType == TimeEmbeddingType.Fourier;
        _timeFeatures = fourier
            ? new FourierEmbedding(width / 2, 1, ofLogarithm: false, cosFirst: config.FlipSinToCos)
            : new SinusoidalEmbedding(channels[0], config.FlipSinToCos, config.FreqShift);
        var featureWidth = fourier ? width : channels[0];
        _timeEmbedding = new TimestepEmbedding(featureWidth, width, config.ActFn, config.TimestepPostAct, config.TimeCondProjDim);
        _contextProjection = ConditionalUNetEmbeddings.Context(config);
        _classEmbedding = ConditionalUNetEmbeddings.Class(config, featureWidth);
        if (config.AdditionEmbedType == AddedEmbeddingType.TextTime)
            _addedFeatures = new SinusoidalEmbedding(config.AdditionTimeEmbedDim!.Value, config.FlipSinToCos, config.FreqShift);
        _addedEmbedding = ConditionalUNetEmbeddings.Added(config);

        var levels = new ConditionalUNetLevels(config);
        for (var i = 0; i < channels.Length; i++) _down.Add(levels.Down(i));
        _mid = levels.Mid();
        for (var i = 0; i < channels.Length; i++) _up.Add(levels.Up(i));
        _normOut = GroupNormalization.Create(config.NormNumGroups, channels[0], config.NormEps);
        _convOut = nn.Conv2d(channels[0], config.OutChannels, config.ConvOutKernel, padding: config.ConvOutKernel / 2);
        RegisterComponents();
        if (zeroInit) ZeroBranches.Apply(this, _convOut);
    }

    /// <summary>The shape of the network.</summary>
    public ConditionalUNetConfig Config { get; }

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
    /// Loads a network from a folder as diffusers keeps UNet2DConditionModel: config.json and diffusion_pytorch_model.safetensors. Weights in
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
    public static ConditionalUNet Load(string folder, Device? device = null, ScalarType dtype = ScalarType.Float32, string? variant = null) =>
        NetworkFolder.Load(folder, device, dtype, variant, ConditionalUNetConfig.FromJson, LeastWeights.Of, config => new ConditionalUNet(config));

    /// <summary>Saves config.json and diffusion_pytorch_model.safetensors, in the type that the parameters have; diffusers reads them.</summary>
    /// <param name="folder">The folder; made if missing. Files of these names in it are replaced when the new ones are complete.</param>
    /// <exception cref="IOException">The folder holds a checkpoint in several files, which readers would take for this one.</exception>
    public void Save(string folder) => NetworkFolder.Save(this, Config.ToJson(), folder);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">
    /// A condition is missing or not taken, or a shape, type, device or label does not fit; the message says what is needed.
    /// </exception>
    public override Tensor forward(Tensor x, Tensor label, Conditioning? condition)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(label);
        condition ??= new Conditioning();
        ConditionalUNetInputs.Check(Config, _convIn.weight, x, label, condition);
        using var scope = NewDisposeScope();
        var (plain, activated) = Embed(label, condition, x.dtype);
        var context = Context(condition, x.dtype);
        var h = _convIn.call(Joined(x, condition.Image));
        var skips = new Stack<Tensor>();
        skips.Push(h);
        var image = h; // for levels that pass an image along: there are none here
        Tensor? painted = null;
        for (var i = 0; i < _down.Count; i++) h = _down[i].Run(h, Time(Config.DownBlockTypes[i]), skips, ref image, context);
        if (_mid is not null) h = _mid.Run(h, Time(MiddleAsLevel), context);
        for (var i = 0; i < _up.Count; i++) h = _up[i].Run(h, Time(Config.UpBlockTypes[i]), skips, ref painted, context);
        return _convOut.call(Config.ActFn.Apply(_normOut.call(h))).MoveToOuterDisposeScope();

        Tensor Time(ConditionalBlockType type) => ConditionalUNetLevels.SkipsActivation(Config, type) ? plain : activated;
    }

    private ConditionalBlockType MiddleAsLevel =>
        Config.MidBlockType == ConditionalMidBlockType.SimpleCrossAttention ? ConditionalBlockType.SimpleCrossAttention : ConditionalBlockType.Plain;

    private Tensor Joined(Tensor x, Tensor? image)
    {
        var hinted = Config.AdditionEmbedType == AddedEmbeddingType.ImageHint ? (ImageConditionEmbedding)_addedEmbedding! : null;
        if (hinted is null && image is not null) x = cat([x, image], 1);
        if (Config.CenterInputSample) x = 2 * x - 1;
        return hinted is null ? x : cat([x, hinted.Shrink(image!)], 1);
    }

    // The embedded noise label with all that is added to it, before and after the activation that most blocks begin with: [batch, width].
    private (Tensor Plain, Tensor Activated) Embed(Tensor label, Conditioning condition, ScalarType type)
    {
        var embedded = _timeEmbedding.Embed(_timeFeatures.call(label).to(type), condition.GuidanceEmbedding);
        if (_classEmbedding is not null)
        {
            var given = condition.Vector ?? condition.ClassLabels!;
            var features = Config.ClassEmbedType == ClassEmbeddingType.Timestep ? _timeFeatures.call(given).to(type) : given;
            var ofClass = _classEmbedding.call(features);
            embedded = Config.ClassEmbeddingsConcat ? cat([embedded, ofClass], 1) : embedded + ofClass;
        }
        if (Added(condition, type) is { } added) embedded = embedded + added;
        if (Config.TimeEmbeddingActFn is { } activation) embedded = activation.Apply(embedded);
        return (embedded, Config.ActFn.Apply(embedded));
    }

    private Tensor? Added(Conditioning condition, ScalarType type) => _addedEmbedding switch
    {
        TimestepEmbedding embedding => embedding.call(cat([condition.PooledText!, Numbers(condition.TimeIds!).to(type)], 1)),
        TextConditionEmbedding embedding => embedding.call(condition.Context!),
        TextImageConditionEmbedding embedding => embedding.call(condition.PooledText!, condition.ImageEmbedding!),
        ImageConditionEmbedding embedding => embedding.call(condition.ImageEmbedding!),
        _ => null,
    };

    private Tensor Numbers(Tensor ids) => _addedFeatures!.call(ids.flatten()).view(ids.shape[0], -1); // [batch, numbers · width of each]

    private AttentionContext? Context(Conditioning condition, ScalarType type)
    {
        if (!AttendingLevels(Config).Any()) return null;
        var bias = condition.ContextMask is { } mask ? AttentionContext.BiasOf(mask, type) : null;
        return _contextProjection switch
        {
            Linear text => new AttentionContext(text.call(condition.Context!), bias),
            // The mask is of the text; every token of the image counts.
            TextImageTokens both => new AttentionContext(
                both.call(condition.Context!, condition.ImageEmbedding!), bias is null ? null : nn.functional.pad(bias, (TextImageTokens.Tokens, 0))),
            ImageTokens image => new AttentionContext(image.call(condition.ImageEmbedding!), null),
            _ => new AttentionContext(condition.Context!, bias),
        };
    }
}
