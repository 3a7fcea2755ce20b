namespace Diffusion;

/// <summary>The variance of the reverse step x_t → x_s.</summary>
public enum ReverseVariance
{
    /// <summary>The posterior's, β̃: right for data that is a single point. (Ho et al. 2020)</summary>
    Small,

    /// <summary>The forward kernel's, β: right for data that is standard normal. (Ho et al. 2020)</summary>
    Large,

    /// <summary>Learned, the network's output v in [−1, 1] mixing ln β and ln β̃ with the weight (v + 1)/2. (Nichol and Dhariwal 2021, eq. 15)</summary>
    LearnedRange,

    /// <summary>Learned, the network's output being the logarithm of the variance.</summary>
    LearnedLog,
}
