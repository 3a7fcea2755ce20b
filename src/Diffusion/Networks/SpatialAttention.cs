namespace Diffusion.Networks;

/// <summary>A layer of a level that lets the pixels of a feature map look at each other, at a context, or at both.</summary>
/// <remarks><c>forward(x, context)</c>: x [batch, channels, height, width]; the result has its shape and contains x (a residual branch was added).</remarks>
/// <param name="name">The module's name.</param>
internal abstract class SpatialAttention(string name) : nn.Module<Tensor, AttentionContext?, Tensor>(name);
