namespace Diffusion.Samplers;

/// <summary>B(h) of UniPC, with h̃ the argument of the exponential: −h in the data, h in the noise.</summary>
public enum UniPcScale
{
    /// <summary>B = h̃.</summary>
    Bh1,

    /// <summary>B = e^h̃ − 1.</summary>
    Bh2,
}
