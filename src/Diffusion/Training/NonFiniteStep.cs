namespace Diffusion.Training;

/// <summary>A step whose loss or gradient was not a finite number, and where that began. It has changed no weights. Plain values.</summary>
/// <param name="Step">The step, from 0.</param>
/// <param name="Loss">Its loss.</param>
/// <param name="GradientNorm">The global norm of its gradient.</param>
/// <param name="Module">The first module of the network whose output was not finite, by its dotted name; null where every output was finite.</param>
/// <param name="Parameter">The parameter whose gradient was not finite though the loss was: the last one in the order of the network, where the backward pass begins; else null.</param>
/// <param name="Explanation">The same in a sentence, for people.</param>
public sealed record NonFiniteStep(long Step, double Loss, double GradientNorm, string? Module, string? Parameter, string Explanation)
{
    /// <summary>The same in a sentence, for people.</summary>
    public string Explanation { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = Explanation ?? throw new ArgumentNullException(nameof(Explanation));
}
