namespace Diffusion.Samplers;

/// <summary>What a stochastic sampler answers at the end of the grid.</summary>
internal enum LastStep
{
    /// <summary>The estimate of the data.</summary>
    Estimate,

    /// <summary>The mean of a step like the others.</summary>
    Mean,

    /// <summary>A step like the others, noise and all.</summary>
    Noisy,
}
