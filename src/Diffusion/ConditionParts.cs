namespace Diffusion;

/// <summary>Parts of a <see cref="Conditioning"/> that are given or dropped together.</summary>
[Flags]
public enum ConditionParts
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The class: <see cref="Conditioning.ClassLabels"/> and <see cref="Conditioning.Vector"/>.</summary>
    Class = 1,

    /// <summary>The text: <see cref="Conditioning.Context"/> and <see cref="Conditioning.PooledText"/>.</summary>
    Text = 2,

    /// <summary>The image that is joined to the state: <see cref="Conditioning.Image"/>.</summary>
    Image = 4,

    /// <summary>The image that is given as a vector: <see cref="Conditioning.ImageEmbedding"/>.</summary>
    ImageEmbedding = 8,

    /// <summary>All of them.</summary>
    All = Class | Text | Image | ImageEmbedding,
}
