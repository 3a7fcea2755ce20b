namespace Diffusion;

/// <summary>A network trained on states of unit power (α² + σ² = 1), used on states of any scale.</summary>
internal sealed class NormalizedParameterization(Parameterization inner) : Parameterization
{
    public override string Name => inner.Name;

    public override NoiseLabel Label => inner.Label;

    public override Scalings At(NoiseLevel level)
    {
        var scale = double.Hypot(level.Alpha, level.Sigma);
        // The slopes follow from d(α/s) with s² = α² + σ²; only the velocity needs them.
        var scaleDot = (level.Alpha * level.AlphaDot + level.VarianceDot / 2) / scale;
        var unit = new NoiseLevel(level.Time, level.Alpha / scale, level.Sigma / scale,
            (level.AlphaDot - level.Alpha * scaleDot / scale) / scale, (level.SigmaDot - level.Sigma * scaleDot / scale) / scale);
        var scalings = inner.At(unit);
        return scalings with { Skip = scalings.Skip / scale, In = scalings.In / scale };
    }
}
