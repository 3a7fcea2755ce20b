namespace Diffusion.Networks;

/// <summary>A level of a U-Net on the way down.</summary>
internal abstract class DownBlock(string name) : nn.Module(name)
{
    /// <summary>Runs the level.</summary>
    /// <param name="h">Features, [batch, channels, height, width].</param>
    /// <param name="time">Embedded noise label after the activation, [batch, width].</param>
    /// <param name="skips">Takes every result that the way up joins again; they belong to the caller's scope.</param>
    /// <param name="image">The image at this resolution; skip levels replace it by the halved one, others leave it.</param>
    /// <param name="context">What attention looks at beside the image; null where the network has none.</param>
    /// <returns>The features for the next level: the last of the skips, the same object.</returns>
    public abstract Tensor Run(Tensor h, Tensor time, Stack<Tensor> skips, ref Tensor image, AttentionContext? context = null);
}
