namespace Diffusion;

/// <summary>The parameterization of consistency models, written for any (α, σ) with α > 0. (Song et al. 2023, appendix C)</summary>
internal sealed class ConsistencyParameterization : Parameterization
{
    private readonly double _data;
    private readonly double _least;

    public ConsistencyParameterization(double sigmaData, double sigmaMin, NoiseLabel? label)
    {
        if (!(sigmaData > 0) || !double.IsFinite(sigmaData)) throw new ArgumentOutOfRangeException(nameof(sigmaData), sigmaData, "σ_d is the standard deviation of the data: it must be positive and finite.");
        if (!(sigmaMin >= 0) || !double.IsFinite(sigmaMin)) throw new ArgumentOutOfRangeException(nameof(sigmaMin), sigmaMin, "σ_min must be finite and at least 0.");
        (_data, _least) = (sigmaData, sigmaMin);
        Label = label ?? NoiseLabel.QuarterLogSigma;
    }

    public override string Name => "consistency";

    public override NoiseLabel Label { get; }

    public override Scalings At(NoiseLevel level)
    {
        var sigma = level.NoiseToSignal;
        var (above, deviation) = (sigma - _least, double.Hypot(sigma, _data));
        return new Scalings(_data * _data / (above * above + _data * _data) / level.Alpha, above * _data / deviation, 1 / (level.Alpha * deviation), Label.At(level));
    }
}
