namespace Diffusion.Imaging;

/// <summary>The file formats that are written.</summary>
public enum ImageFormat
{
    /// <summary>PNG, lossless.</summary>
    Png,

    /// <summary>JPEG, without opacity.</summary>
    Jpeg,

    /// <summary>WebP; lossless at quality 100.</summary>
    WebP,
}
