namespace Diffusion.SamplerTable;

/// <summary>What was measured of a sampler.</summary>
/// <param name="Name">Its name in the catalogue.</param>
/// <param name="Code">How it is made.</param>
/// <param name="DrawsNoise">Whether it drew random numbers.</param>
/// <param name="Errors">The error at each number of <see cref="Measurement.Steps"/>.</param>
/// <param name="Evaluations">Evaluations of the denoiser in those runs.</param>
/// <param name="Order">The order that was observed; null where none is claimed.</param>
/// <param name="Claimed">The order that the tests hold it to; null for none.</param>
internal sealed record Row(string Name, string Code, bool DrawsNoise, double[] Errors, int[] Evaluations, double? Order, double? Claimed)
{
    public override string ToString() => $"{Name}: {string.Join(", ", Errors.Select(error => error.ToString("e2")))}";
}

/// <summary>What was measured of a solver that chooses its own steps.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Tolerance">The relative and absolute tolerance.</param>
/// <param name="Error">The error.</param>
/// <param name="Evaluations">Evaluations of the denoiser.</param>
internal sealed record AdaptiveRow(string Name, double Tolerance, double Error, int Evaluations);
