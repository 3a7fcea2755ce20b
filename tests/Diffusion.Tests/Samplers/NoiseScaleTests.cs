using Diffusion.Denoisers;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Samplers;

/// <summary>What the factor of the noise does, and that a sampler without noise draws none.</summary>
public class NoiseScaleTests
{
    private static readonly VariancePreservingSchedule Schedule = new();

    public static TheoryData<string, Func<double, Sampler>> Scaled => new()
    {
        { "Euler ancestral", scale => new EulerAncestralSampler(0.7, scale) },
        { "DPM2 ancestral", scale => new Dpm2AncestralSampler(0.7, scale) },
        { "DPM++ 2S ancestral", scale => new DpmPlusPlus2SAncestralSampler(0.7, scale) },
        { "DPM++ SDE", scale => new DpmPlusPlusSdeSampler(0.7, scale) },
        { "DPM++ 2M SDE", scale => DpmSolverMultistepSampler.PlusPlus2MSde(0.7, scale) },
        { "DPM++ 3M SDE", scale => DpmSolverMultistepSampler.PlusPlus3MSde(0.7, scale) },
        { "DPM-Solver 2 SDE", scale => new DpmSolverMultistepSampler(2, SolverVariable.Noise, 0.7, noiseScale: scale) },
        { "DPM++ singlestep", scale => new DpmSolverSinglestepSampler(3, eta: 0.7, noiseScale: scale) },
        { "DPM fast", scale => new DpmFastSampler(8, 0.7, scale) },
        { "ER-SDE", scale => new ErSdeSampler(noiseScale: scale) },
        { "consistency", scale => new ConsistencySampler(noiseScale: scale) },
        { "restart", scale => new RestartSampler(new DdimSampler(), [new RestartInterval(0.2, 2, 3, 2)], scale) },
        { "churn", scale => new EulerSampler(new Churn(3, noiseScale: scale)) },
    };

    [Theory]
    [MemberData(nameof(Scaled), DisableDiscoveryEnumeration = true)]
    public void TheScaleIsAFactorOfTheNoise(string name, Func<double, Sampler> sampler)
    {
        double[] Run(double scale, double factor)
        {
            using var scope = NewDisposeScope();
            using var noise = new ScaledNoise(5, factor);
            return sampler(scale).Sample(Oracle, linspace(-1, 1, 3, dtype: float64), TimeGrid.Uniform(Schedule, 6, from: 0.9), noise).data<double>().ToArray();
        }

        var (scaled, factored, plain, silent) = (Run(1.5, 1), Run(1, 1.5), Run(1, 1), Run(0, 1));
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(factored[i], scaled[i], 1e-12);
            Assert.True(Math.Abs(plain[i] - scaled[i]) > 1e-3 && Math.Abs(plain[i] - silent[i]) > 1e-3, $"{name}: {scaled[i]} with noise of scale 1.5, {plain[i]} of 1, {silent[i]} of 0");
        }
    }

    public static TheoryData<string, Sampler> Silent => new()
    {
        { "DDIM", new DdimSampler() },
        { "Euler", new EulerSampler() },
        { "Euler, churned outside of its levels", new EulerSampler(new Churn(3, 100, 200)) },
        { "Heun", new HeunSampler() },
        { "DPM2", new Dpm2Sampler() },
        { "Euler ancestral", new EulerAncestralSampler(0) },
        { "DPM2 ancestral", new Dpm2AncestralSampler(0) },
        { "DPM++ 2S ancestral", new DpmPlusPlus2SAncestralSampler(0) },
        { "DPM++ SDE", new DpmPlusPlusSdeSampler(0) },
        { "DPM++ 2M", DpmSolverMultistepSampler.PlusPlus2M() },
        { "DPM-Solver 2", new DpmSolverMultistepSampler(2, SolverVariable.Noise) },
        { "DPM-Solver++ 3", new DpmSolverSinglestepSampler(3) },
        { "DPM fast", new DpmFastSampler(8) },
        { "DPM adaptive", new DpmAdaptiveSampler() },
        { "ER-SDE of the flow", new ErSdeSampler(noise: x => x) },
        { "DEIS", new DeisSampler() },
        { "UniPC", new UniPcSampler() },
        { "SA-Solver", new SaSolverSampler(_ => 0) },
        { "PNDM", new PndmSampler() },
        { "LMS", new LinearMultistepSampler() },
        { "TCD", new TcdSampler(0) },
        { "Euler–Maruyama", new EulerMaruyamaSampler(0) },
        { "reverse diffusion", new ReverseDiffusionSampler(0) },
        { "stochastic Heun", new StochasticHeunSampler(0) },
        { "flow's equation", new FlowSdeSampler(FlowDiffusion.Constant(0)) },
        { "consistency", new ConsistencySampler(noiseScale: 0) },
    };

    [Theory]
    [MemberData(nameof(Silent), DisableDiscoveryEnumeration = true)]
    public void WithoutNoiseNoneIsDrawn(string name, Sampler sampler)
    {
        using var scope = NewDisposeScope();
        using var noise = new ScaledNoise(5, 1);
        var end = sampler.Sample(Oracle, linspace(-1, 1, 3, dtype: float64), TimeGrid.Uniform(Schedule, 6, from: 0.9), noise);
        Assert.True(end.isfinite().all().item<bool>(), name);
        Assert.Equal(0, noise.Draws);
    }

    // At the end of a run there is no noise, whatever its amount before.
    [Theory]
    [MemberData(nameof(Scaled), DisableDiscoveryEnumeration = true)]
    public void TheStepToTheDataDrawsNone(string name, Func<double, Sampler> sampler)
    {
        using var scope = NewDisposeScope();
        using var noise = new ScaledNoise(5, 1);
        var before = 0;
        var last = -1;
        var hooks = new SamplingHooks
        {
            OnStep = (step, _, _) =>
            {
                if (step.To.IsClean) last = noise.Draws - before;
                before = noise.Draws;
            },
        };
        sampler(1).Sample(Oracle, zeros(2, dtype: float64), TimeGrid.Uniform(Schedule, 6, from: 0.9), noise, hooks);
        Assert.True(noise.Draws > 0, name);
        Assert.Equal(name == "churn" ? 1 : 0, last); // churn comes before the step, also of the last
    }

    // From pure noise the state says nothing: what comes is α'·x̂₀ + σ'·noise.
    [Fact]
    public void FromPureNoiseTheDataIsScaledByTheNextLevel()
    {
        var flow = new RectifiedFlowSchedule();
        var grid = TimeGrid.FromTimes(flow, [1], flow.At(0.7));
        Assert.Equal(0.3 * 0.4, ScriptedDenoiser.States(new DpmPlusPlusSdeSampler(), new ScriptedDenoiser(flow, _ => 0.4), grid, 1.1, new SilentNoise())[^1], 1e-12);
    }

    private static GaussianMixtureDenoiser Oracle => new(Schedule, GaussianMixture.Uniform(new[,] { { -1.0 }, { 0.8 } }, 0.4));
}
