using Diffusion.Networks;
using TorchSharp.Modules;

namespace Diffusion.Benchmarks.Plain;

/// <summary>
/// The U-Net of google/ddpm-cifar10-32 as it is written with TorchSharp's own layers and nothing else: the baseline. It has the parameter names of
/// <see cref="UNet"/>, so that both compute the same function with the same weights.
/// </summary>
public sealed class PlainUNet : nn.Module<Tensor, Tensor, Tensor>
{
    private readonly Conv2d conv_in, conv_out;
    private readonly PlainTime time_embedding;
    private readonly ModuleList<PlainLevel> down_blocks = new(), up_blocks = new();
    private readonly PlainMiddle mid_block;
    private readonly GroupNorm conv_norm_out;
    private readonly long _width;

    public PlainUNet(UNetConfig config) : base(nameof(PlainUNet))
    {
        var channels = config.BlockOutChannels;
        var (time, last) = ((long)config.TimeWidth, channels.Length - 1);
        _width = channels[0];
        conv_in = nn.Conv2d(config.InChannels, _width, 3, padding: 1);
        time_embedding = new PlainTime(_width, time);
        for (var i = 0; i <= last; i++)
            down_blocks.Add(new PlainLevel(
                [.. Enumerable.Range(0, config.LayersPerBlock).Select(layer => (layer == 0 ? channels[Math.Max(i - 1, 0)] : (long)channels[i], (long)channels[i]))],
                time, config.DownBlockTypes[i] == UNetBlockType.Attention, down: i < last, up: false));
        mid_block = new PlainMiddle(channels[last], time);
        for (var i = last; i >= 0; i--)
        {
            var (level, before) = (i, (long)channels[Math.Min(i + 1, last)]);
            up_blocks.Add(new PlainLevel(
                [.. Enumerable.Range(0, config.LayersPerBlock + 1).Select(layer =>
                    ((layer == 0 ? before : channels[level]) + (layer == config.LayersPerBlock ? channels[Math.Max(level - 1, 0)] : (long)channels[level]), (long)channels[level]))],
                time, config.UpBlockTypes[last - i] == UNetBlockType.Attention, down: false, up: i > 0));
        }

        conv_norm_out = PlainBlock.Norm(_width);
        conv_out = nn.Conv2d(_width, config.OutChannels, 3, padding: 1);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x, Tensor t)
    {
        using var scope = NewDisposeScope();
        var frequencies = exp(arange(_width / 2, float32, x.device) * (-Math.Log(10000) / (_width / 2 - 1)));
        var phases = t.to(float32).unsqueeze(1) * frequencies.unsqueeze(0);
        var time = nn.functional.silu(time_embedding.call(cat([phases.sin(), phases.cos()], 1)));
        var h = conv_in.call(x);
        var skips = new Stack<Tensor>([h]);
        foreach (var level in down_blocks) h = level.Run(h, time, skips.Push, null);
        h = mid_block.call(h, time);
        foreach (var level in up_blocks) h = level.Run(h, time, null, skips.Pop);
        return conv_out.call(nn.functional.silu(conv_norm_out.call(h))).MoveToOuterDisposeScope();
    }
}

internal sealed class PlainTime : nn.Module<Tensor, Tensor>
{
    private readonly Linear linear_1, linear_2;

    public PlainTime(long width, long time) : base(nameof(PlainTime))
    {
        (linear_1, linear_2) = (nn.Linear(width, time), nn.Linear(time, time));
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => linear_2.call(nn.functional.silu(linear_1.call(x)));
}

internal sealed class PlainLevel : nn.Module
{
    private readonly ModuleList<PlainBlock> resnets = new();
    private readonly ModuleList<PlainAttention>? attentions;
    private readonly ModuleList<PlainConvolution>? downsamplers, upsamplers;

    public PlainLevel(IReadOnlyList<(long In, long Out)> blocks, long time, bool attention, bool down, bool up) : base(nameof(PlainLevel))
    {
        foreach (var (from, to) in blocks) resnets.Add(new PlainBlock(from, to, time));
        var width = blocks[^1].Out;
        if (attention) attentions = new([.. blocks.Select(_ => new PlainAttention(width))]);
        if (down) downsamplers = new(new PlainConvolution(width, stride: 2));
        if (up) upsamplers = new(new PlainConvolution(width, stride: 1));
        RegisterComponents();
    }

    public Tensor Run(Tensor h, Tensor time, Action<Tensor>? keep, Func<Tensor>? join)
    {
        for (var i = 0; i < resnets.Count; i++)
        {
            h = resnets[i].call(join is null ? h : cat([h, join()], 1), time);
            if (attentions is not null) h = attentions[i].call(h);
            keep?.Invoke(h);
        }

        if (downsamplers is not null)
        {
            h = downsamplers[0].call(nn.functional.pad(h, (0, 1, 0, 1)));
            keep?.Invoke(h);
        }

        return upsamplers is null ? h : upsamplers[0].call(nn.functional.interpolate(h, scale_factor: [2, 2]));
    }
}

internal sealed class PlainConvolution : nn.Module<Tensor, Tensor>
{
    private readonly Conv2d conv;

    public PlainConvolution(long width, long stride) : base(nameof(PlainConvolution))
    {
        conv = nn.Conv2d(width, width, 3, stride: stride, padding: stride == 1 ? 1 : 0);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => conv.call(x);
}

internal sealed class PlainMiddle : nn.Module<Tensor, Tensor, Tensor>
{
    private readonly ModuleList<PlainBlock> resnets;
    private readonly ModuleList<PlainAttention> attentions;

    public PlainMiddle(long width, long time) : base(nameof(PlainMiddle))
    {
        (resnets, attentions) = (new(new PlainBlock(width, width, time), new PlainBlock(width, width, time)), new(new PlainAttention(width)));
        RegisterComponents();
    }

    public override Tensor forward(Tensor h, Tensor time) => resnets[1].call(attentions[0].call(resnets[0].call(h, time)), time);
}

internal sealed class PlainBlock : nn.Module<Tensor, Tensor, Tensor>
{
    private readonly GroupNorm norm1, norm2;
    private readonly Conv2d conv1, conv2;
    private readonly Linear time_emb_proj;
    private readonly Conv2d? conv_shortcut;

    public PlainBlock(long from, long to, long time) : base(nameof(PlainBlock))
    {
        (norm1, conv1) = (Norm(from), nn.Conv2d(from, to, 3, padding: 1));
        time_emb_proj = nn.Linear(time, to);
        (norm2, conv2) = (Norm(to), nn.Conv2d(to, to, 3, padding: 1));
        if (from != to) conv_shortcut = nn.Conv2d(from, to, 1);
        RegisterComponents();
    }

    public static GroupNorm Norm(long channels)
    {
        var norm = nn.GroupNorm(32, channels, 1e-6);
        nn.init.ones_(norm.weight); // TorchSharp leaves them uninitialised
        nn.init.zeros_(norm.bias!);
        return norm;
    }

    public override Tensor forward(Tensor x, Tensor time)
    {
        var h = conv1.call(nn.functional.silu(norm1.call(x)));
        h = h + time_emb_proj.call(time).unsqueeze(-1).unsqueeze(-1);
        h = conv2.call(nn.functional.silu(norm2.call(h)));
        return h + (conv_shortcut is null ? x : conv_shortcut.call(x));
    }
}

internal sealed class PlainAttention : nn.Module<Tensor, Tensor>
{
    private readonly GroupNorm group_norm;
    private readonly Linear to_q, to_k, to_v;
    private readonly ModuleList<Linear> to_out;

    public PlainAttention(long width) : base(nameof(PlainAttention))
    {
        group_norm = PlainBlock.Norm(width);
        (to_q, to_k, to_v, to_out) = (nn.Linear(width, width), nn.Linear(width, width), nn.Linear(width, width), new(nn.Linear(width, width)));
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        var pixels = group_norm.call(x).flatten(2).transpose(1, 2);
        var mixed = nn.functional.scaled_dot_product_attention(to_q.call(pixels), to_k.call(pixels), to_v.call(pixels));
        return x + to_out[0].call(mixed).transpose(1, 2).reshape(x.shape);
    }
}
