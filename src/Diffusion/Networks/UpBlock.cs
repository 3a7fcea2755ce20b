namespace Diffusion.Networks;

/// <summary>A level of a U-Net on the way up.</summary>
internal abstract class UpBlock(string name) : nn.Module(name)
{
    /// <summary>Runs the level.</summary>
    /// <param name="h">Features, [batch, channels, height, width].</param>
    /// <param name="time">Embedded noise label after the activation, [batch, width].</param>
    /// <param name="skips">Results of the way down, the last on top; a level takes one for each residual block, and disposes it.</param>
    /// <param name="image">The image that skip levels paint from level to level; null until the first of them.</param>
    /// <param name="context">What attention looks at beside the image; null where the network has none.</param>
    /// <returns>The features for the next level, in the caller's scope.</returns>
    public abstract Tensor Run(Tensor h, Tensor time, Stack<Tensor> skips, ref Tensor? image, AttentionContext? context = null);

    /// <summary>Channels of the skip that layer i joins: the last one is from a level further up on the way down.</summary>
    private protected static long JoinedChannels(int i, int layers, long previous, long outChannels, long nextChannels) =>
        (i == 0 ? previous : outChannels) + (i == layers - 1 ? nextChannels : outChannels);

    /// <summary>One residual block on the features joined with the topmost skip, and attention if there is any.</summary>
    private protected static Tensor Layer(
        ResnetBlock block, SpatialAttention? attention, Tensor h, Tensor time, Stack<Tensor> skips, AttentionContext? context = null)
    {
        using var scope = NewDisposeScope();
        using var skip = skips.Pop();
        var joined = cat([h, skip], 1);
        h = block.call(joined, time);
        if (attention is not null) h = attention.call(h, context);
        return h.MoveToOuterDisposeScope();
    }
}
