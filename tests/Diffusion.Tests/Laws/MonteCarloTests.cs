using Diffusion.Denoisers;
using Diffusion.Samplers;
using Xunit;

namespace Diffusion.Tests.Laws;

/// <summary>
/// Mean and variance of samples within four standard errors, where moments cannot be propagated: solvers whose steps depend on the state, and data that is not
/// Gaussian. Seeds are fixed, so a test passes always or never.
/// </summary>
public class MonteCarloTests
{
    private const int Count = 20_000;

    public static TheoryData<string> Adaptive => SamplerCatalogue.Names(entry => entry is { Affine: false, OwnSteps: true });

    public static TheoryData<string> SecondOrderWithNoise => SamplerCatalogue.Names(entry => entry.Weak == 2 && !entry.WeakNeedsPath);

    [Theory, MemberData(nameof(Adaptive))]
    public void AdaptiveSolversKeepAGaussian(string sampler)
    {
        var schedule = LawSchedules.Of("vp");
        var grid = LawGrids.Of(schedule, 2, from: 80, to: 0.01);
        // Tolerances so tight that what is left of the error is far below a standard error.
        var settings = new AdaptiveSettings(relative: 1e-3, absolute: 1e-4);
        Sampler tight = sampler switch
        {
            "DPM adaptive 12" => new DpmAdaptiveSampler(2, settings),
            "DPM adaptive 23 ancestral" => new DpmAdaptiveSampler(3, settings, eta: 1),
            "DPM adaptive 23" => new DpmAdaptiveSampler(3, settings),
            _ => SamplerCatalogue.Of(sampler).Make(0), // the others are tight enough by default
        };
        AssertMoments(tight, new GaussianDenoiser(schedule, 0.3, 0.5), grid, 0.3, 0.25);
    }

    [Theory, MemberData(nameof(SecondOrderWithNoise))]
    public void SamplersWithNoiseKeepTheMixture(string sampler)
    {
        var schedule = LawSchedules.Of("vp");
        const int steps = 128;
        AssertMoments(SamplerCatalogue.Of(sampler).Make(steps), new MixtureOracle(schedule), LawGrids.ToData(schedule, steps), 0.1, 0.572);
    }

    [Fact]
    public void AncestralSamplingKeepsTheMixture()
    {
        var schedule = LawSchedules.Of("vp");
        AssertMoments(new EulerAncestralSampler(), new MixtureOracle(schedule), LawGrids.ToData(schedule, 1000), 0.1, 0.572);
    }

    private static void AssertMoments(Sampler sampler, IDenoiser denoiser, TimeGrid grid, double mean, double variance)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(11);
        // x̂ of σ̂ = 80 is the data plus noise: its mean and variance, too, are those of the data plus σ̂².
        var sigma = grid.Start.NoiseToSignal;
        var start = (noise.Next([Count, 1], ScalarType.Float64, CPU) * Math.Sqrt(variance + sigma * sigma) + mean) * grid.Start.Alpha;
        var end = sampler.Sample(denoiser, start, grid, noise).div(grid.End.Alpha);
        var (m, v) = (end.mean().item<double>(), end.var().item<double>());
        variance += Math.Pow(grid.End.NoiseToSignal, 2);
        var fourth = (end - m).pow(4).mean().item<double>();
        Assert.True(Math.Abs(m - mean) < 4 * Math.Sqrt(variance / Count), $"mean {m}, expected {mean}");
        Assert.True(Math.Abs(v - variance) < 4 * Math.Sqrt((fourth - v * v) / Count), $"variance {v}, expected {variance}");
    }
}
