namespace Diffusion.Schedules;

/// <summary>Which of T training timesteps a shorter run of n steps visits. (Lin et al. 2023, table 2)</summary>
public enum TimestepSpacing
{
    /// <summary>From T − 1 down in strides of T/n: starts where training ended. The sound choice.</summary>
    Trailing,

    /// <summary>Multiples of ⌊T/n⌋, from the top down: ends at timestep 0 but never visits T − 1. What DDIM was published with.</summary>
    Leading,

    /// <summary>Equal distances from T − 1 to 0, both visited.</summary>
    Linspace,
}
