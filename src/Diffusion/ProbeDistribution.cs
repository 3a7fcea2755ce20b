namespace Diffusion;

/// <summary>The random vectors that a trace is estimated with: of mean 0 and covariance 1.</summary>
public enum ProbeDistribution
{
    /// <summary>Each number is +1 or −1: the least variance of all, and none where the Jacobian is diagonal.</summary>
    Rademacher,

    /// <summary>Standard normal.</summary>
    Gaussian,
}
