namespace Diffusion.Networks;

/// <summary>How the embedded noise label acts in a residual block.</summary>
public enum ResnetTimeScaleShift
{
    /// <summary>Added to the features before the second normalisation (Ho et al. 2020).</summary>
    Default,

    /// <summary>Scales and shifts them after it: norm(h)·(1 + s) + b (Dhariwal and Nichol 2021).</summary>
    ScaleShift,
}

/// <summary>What all residual blocks of a network have in common.</summary>
/// <param name="TimeWidth">Width of the embedded noise label; null in networks that have none.</param>
/// <param name="Eps">Of the normalisations.</param>
/// <param name="Activation">After the normalisations.</param>
/// <param name="TimeScaleShift">How the noise label acts.</param>
/// <param name="Dropout">Probability, in training.</param>
/// <param name="OutputScale">What the sum of both branches is divided by.</param>
internal sealed record ResnetOptions(
    long? TimeWidth, double Eps, Activation Activation, ResnetTimeScaleShift TimeScaleShift, double Dropout, double OutputScale = 1);
