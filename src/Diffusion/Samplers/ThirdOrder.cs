namespace Diffusion.Samplers;

/// <summary>How a DPM-Solver of third order weighs the second difference D₂ of its estimates.</summary>
public enum ThirdOrder
{
    /// <summary>2·φ₃·D₂, as the expansion demands: third order.</summary>
    Corrected,

    /// <summary>
    /// φ₃·D₂, as in the code that is published and in common use: the multistep method is then of second order. On coarse Karras grids its error happens to be
    /// the smaller one.
    /// </summary>
    AsPublished,

    /// <summary>
    /// φ₃·D₂ and, with noise, once more −D₂, as in the code of diffusers: a multistep method with noise is then of first order. The single-step method has
    /// its factor 2 but the same −D₂.
    /// </summary>
    AsInDiffusers,
}
