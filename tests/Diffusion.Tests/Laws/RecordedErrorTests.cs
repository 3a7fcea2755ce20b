using Xunit;

namespace Diffusion.Tests.Laws;

/// <summary>The recorded errors of the solvers along the noise axis at 16, 32, … 1024 steps.</summary>
public class RecordedErrorTests
{
    public static TheoryData<string, double[]> Recorded => new()
    {
        { "DDIM", [8.135e-2, 4.249e-2, 2.172e-2, 1.098e-2, 5.520e-3, 2.768e-3, 1.386e-3] },
        { "Heun", [3.145e-2, 7.353e-3, 1.777e-3, 4.370e-4, 1.083e-4, 2.697e-5, 6.729e-6] },
        { "DPM2", [1.797e-2, 4.250e-3, 1.032e-3, 2.544e-4, 6.313e-5, 1.573e-5, 3.924e-6] },
        { "Runge-Kutta 4", [6.158e-4, 3.919e-5, 2.449e-6, 1.527e-7, 9.525e-9, 5.947e-10] },
        { "LMS 2", [double.NaN, double.NaN, double.NaN, double.NaN, double.NaN, double.NaN, 1.667e-5] },
        { "LMS 4", [2.654e-2, 3.720e-3, 3.490e-4, 2.660e-5, 1.835e-6, 1.212e-7] },
        { "DPM++ 2S", [1.388e-2, double.NaN, double.NaN, double.NaN, double.NaN, double.NaN, 3.910e-6] },
    };

    [Theory, MemberData(nameof(Recorded))]
    public void ErrorsOnTheGaussianAreTheRecordedOnes(string sampler, double[] errors) => RecordedErrors.Are(errors, SamplerCatalogue.Of(sampler).Make);

    [Theory]
    [InlineData("DDIM", 5.33e-4)]
    [InlineData("Heun", 3.04e-6)]
    [InlineData("Runge-Kutta 4", 2.15e-11)]
    [InlineData("LMS 4", 2.91e-9)]
    [InlineData("DPM++ 2M", 3.66e-6)]
    [InlineData("DPM++ 3M as published", 8.99e-7)]
    [InlineData("DPM++ 3M", 5.06e-8)]
    public void ErrorsOnTheMixtureAreTheRecordedOnes(string sampler, double error)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var denoiser = new MixtureOracle(LawSchedules.Of("ve"));
        var end = SamplerCatalogue.Of(sampler).Make(1024).Sample(denoiser, full(1, 72, dtype: float64), LawGrids.Of(denoiser.Schedule, 1024), noise).item<double>();
        // Three recorded digits, and the rounding of a thousand steps.
        Assert.Equal(error, Math.Abs(end - 0.7711995019238951), 6e-3 * error + 1e-12);
    }
}
