namespace Diffusion;

/// <summary>The preconditioning of Karras et al. 2022, table 1, written for any (α, σ), so that it is finite on pure noise too.</summary>
internal sealed class EdmParameterization : Parameterization
{
    public EdmParameterization(double sigmaData, NoiseLabel? label)
    {
        if (!(sigmaData > 0) || !double.IsFinite(sigmaData))
            throw new ArgumentOutOfRangeException(nameof(sigmaData), sigmaData, "σ_data is the standard deviation of the data: it must be positive and finite.");
        SigmaData = sigmaData;
        Label = label ?? NoiseLabel.QuarterLogSigma;
    }

    public double SigmaData { get; }

    public override string Name => "edm";

    public override NoiseLabel Label { get; }

    public override Scalings At(NoiseLevel level)
    {
        var dataVariance = SigmaData * SigmaData;
        var variance = level.Sigma * level.Sigma + level.Alpha * level.Alpha * dataVariance; // of the state
        var deviation = Math.Sqrt(variance);
        return new Scalings(dataVariance * level.Alpha / variance, level.Sigma * SigmaData / deviation, 1 / deviation, Label.At(level));
    }
}
