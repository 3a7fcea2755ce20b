using Diffusion.Integration;
using Diffusion.Samplers;
using Xunit;

namespace Diffusion.Tests.Laws;

/// <summary>
/// Every sampler of the library, in the settings that differ in what can be expected. The theories of this folder run over the list: a new
/// sampler needs its file and a line here.
/// </summary>
internal static class SamplerCatalogue
{
    public static IReadOnlyList<CatalogueEntry> All { get; } =
    [
        new("DDIM", new DdimSampler()) { Flow = 1 },
        new("DDIM eta 1", new DdimSampler(1)) { Weak = 1, Strong = 1 },
        new("DDPM", new DdpmSampler()) { Weak = 1, Strong = 1 },
        new("DDPM large", new DdpmSampler(ReverseVariance.Large)) { DependsOnSchedule = true, Weak = 1, Strong = 1 },
        new("Euler", new EulerSampler()) { Flow = 1 },
        new("Euler churn", new EulerSampler(new Churn(5))) { Weak = 1 },
        new("Euler ancestral", new EulerAncestralSampler()) { Weak = 1, Strong = 1 },
        new("Euler ancestral eta 0.5", new EulerAncestralSampler(0.5)) { Eta = 0.5, Weak = 1, Strong = 1 },
        new("Heun", new HeunSampler()) { Flow = 2 },
        new("Heun churn", new HeunSampler(new Churn(5))) { Weak = 2 },
        new("Midpoint", new HeunSampler(position: 0.5)) { Flow = 2, FlowOnGaussian = 3 },
        new("Ralston", new HeunSampler(position: 2.0 / 3)) { Flow = 2 },
        new("Heun in time", new FlowRungeKuttaSampler(RungeKutta.Heun)) { Flow = 2, DependsOnSchedule = true, Steps = 256 },
        new("Runge-Kutta 4", new RungeKutta4Sampler()) { Flow = 4 },
        new("DPM2", new Dpm2Sampler()) { Flow = 2 },
        new("DPM2 churn", new Dpm2Sampler(new Churn(5))) { Weak = 2 },
        new("DPM2 ancestral", new Dpm2AncestralSampler()) { Weak = 2, Strong = 1 },
        new("LMS 1", new LinearMultistepSampler(1)) { Flow = 1 },
        new("LMS 2", new LinearMultistepSampler(2)) { Flow = 2 },
        new("LMS 3", new LinearMultistepSampler(3)) { Flow = 3 },
        new("LMS 4", new LinearMultistepSampler(4)) { Flow = 4, Steps = 128 },
        new("PNDM", new PndmSampler()) { Flow = 2, DependsOnSchedule = true },
        new("PLMS", new PndmSampler(PndmWarmUp.ImprovedEuler)) { Flow = 2 },
        new("iPNDM", new PndmSampler(PndmWarmUp.LowerOrders)) { Flow = 2 },
        new("DPM++ 2S", new DpmPlusPlus2SAncestralSampler(eta: 0)) { Flow = 2 },
        new("DPM++ 2S ancestral", new DpmPlusPlus2SAncestralSampler()) { Weak = 2, Strong = 1 },
        new("DPM++ SDE", new DpmPlusPlusSdeSampler()) { Weak = 2, WeakNeedsPath = true, Strong = 1 },
        new("DPM++ 1 multistep", new DpmSolverMultistepSampler(1)) { Flow = 1 },
        new("DPM++ 2M", DpmSolverMultistepSampler.PlusPlus2M()) { Flow = 2 },
        new("DPM++ 2M heun", new DpmSolverMultistepSampler(2, second: SecondOrder.Heun)) { Flow = 2 },
        new("DPM++ 3M", DpmSolverMultistepSampler.PlusPlus3M()) { Flow = 3 },
        new("DPM++ 3M as published", DpmSolverMultistepSampler.PlusPlus3M(ThirdOrder.AsPublished)) { Flow = 2, Steps = 256 },
        new("DPM-Solver 1 multistep", new DpmSolverMultistepSampler(1, SolverVariable.Noise)) { Flow = 1, FromPureNoise = false },
        new("DPM-Solver 2 multistep", new DpmSolverMultistepSampler(2, SolverVariable.Noise)) { Flow = 2, FromPureNoise = false },
        new("DPM-Solver 2 multistep heun", new DpmSolverMultistepSampler(2, SolverVariable.Noise, second: SecondOrder.Heun)) { Flow = 2, FromPureNoise = false },
        new("DPM-Solver 3 multistep", new DpmSolverMultistepSampler(3, SolverVariable.Noise, second: SecondOrder.Heun)) { Flow = 3, Steps = 128, FromPureNoise = false },
        new("DPM++ 1 SDE", new DpmSolverMultistepSampler(1, eta: 1)) { Weak = 1, Strong = 1 },
        new("DPM++ 2M SDE", DpmSolverMultistepSampler.PlusPlus2MSde()) { Weak = 2, Strong = 1 },
        new("DPM++ 2M SDE heun", DpmSolverMultistepSampler.PlusPlus2MSde(second: SecondOrder.Heun)) { Weak = 2, Strong = 1 },
        new("DPM++ 2M SDE eta 0.5", DpmSolverMultistepSampler.PlusPlus2MSde(0.5)) { Eta = Math.Sqrt(0.5), Weak = 2, Strong = 1 },
        new("DPM++ 3M SDE", DpmSolverMultistepSampler.PlusPlus3MSde()) { Weak = 2, Steps = 256, Strong = 1 },
        new("DPM++ 3M SDE as published", DpmSolverMultistepSampler.PlusPlus3MSde(third: ThirdOrder.AsPublished)) { Weak = 2, Strong = 1 },
        new("DPM++ 3M SDE as in diffusers", DpmSolverMultistepSampler.PlusPlus3MSde(third: ThirdOrder.AsInDiffusers)) { Weak = 1, Steps = 256 },
        new("DPM-Solver 1 SDE", new DpmSolverMultistepSampler(1, SolverVariable.Noise, eta: 1)) { Weak = 1, Steps = 256, Strong = 1, FromPureNoise = false },
        new("DPM-Solver 2M SDE", new DpmSolverMultistepSampler(2, SolverVariable.Noise, eta: 1)) { Weak = 2, Strong = 1, FromPureNoise = false },
        new("DPM++ 2 singlestep", new DpmSolverSinglestepSampler(2)) { Flow = 2 },
        new("DPM++ 2 singlestep heun", new DpmSolverSinglestepSampler(2, form: SecondOrder.Heun)) { Flow = 2, Steps = 128 },
        new("DPM++ 3 singlestep", new DpmSolverSinglestepSampler(3)) { Flow = 3 },
        new("DPM++ 3 singlestep heun", new DpmSolverSinglestepSampler(3, form: SecondOrder.Heun)) { Flow = 3 },
        new("DPM-Solver 1 singlestep", new DpmSolverSinglestepSampler(1, SolverVariable.Noise)) { Flow = 1, FromPureNoise = false },
        new("DPM-Solver 2 singlestep", new DpmSolverSinglestepSampler(2, SolverVariable.Noise)) { Flow = 2, FromPureNoise = false },
        new("DPM-Solver 2 singlestep heun", new DpmSolverSinglestepSampler(2, SolverVariable.Noise, form: SecondOrder.Heun)) { Flow = 2, FromPureNoise = false },
        new("DPM-Solver 3 singlestep", new DpmSolverSinglestepSampler(3, SolverVariable.Noise)) { Flow = 3, FromPureNoise = false, Spacing = Spacing.LogSnr },
        new("DPM-Solver 3 singlestep heun", new DpmSolverSinglestepSampler(3, SolverVariable.Noise, form: SecondOrder.Heun)) { Flow = 3, FromPureNoise = false },
        new("DPM++ 2 singlestep SDE", new DpmSolverSinglestepSampler(2, eta: 1)) { Weak = 2, WeakNeedsPath = true, Strong = 1 },
        new("DPM++ 2 singlestep SDE heun", new DpmSolverSinglestepSampler(2, eta: 1, form: SecondOrder.Heun)) { Weak = 2, WeakNeedsPath = true, Strong = 1 },
        new("DPM++ 3 singlestep SDE", new DpmSolverSinglestepSampler(3, eta: 1)) { Weak = 2, WeakNeedsPath = true, Strong = 1, Steps = 256 },
        new("DPM-Solver 2 singlestep SDE", new DpmSolverSinglestepSampler(2, SolverVariable.Noise, eta: 1)) { Weak = 2, WeakNeedsPath = true, Strong = 1, FromPureNoise = false, Steps = 128 },
        new("DEIS 1", new DeisSampler(1)) { Flow = 1, FromPureNoise = false },
        new("DEIS 2", new DeisSampler(2)) { Flow = 2, FromPureNoise = false },
        new("DEIS 3", new DeisSampler(3)) { Flow = 3, FromPureNoise = false, Steps = 128 },
        new("DEIS 4", new DeisSampler(4)) { FromPureNoise = false },
        new("UniPC 1", new UniPcSampler(1)) { Flow = 2 },
        new("UniPC 2", new UniPcSampler(2)) { Flow = 3 },
        new("UniPC 2 bh1", new UniPcSampler(2, scale: UniPcScale.Bh1)) { Flow = 3 },
        new("UniPC 2 in the noise", new UniPcSampler(2, SolverVariable.Noise)) { Flow = 3, FromPureNoise = false, Steps = 128 },
        new("UniPC 3", new UniPcSampler(3)) { Flow = 4 },
        new("UniPC 3 in the noise", new UniPcSampler(3, SolverVariable.Noise)) { Flow = 4, FromPureNoise = false, Spacing = Spacing.LogSnr, Steps = 128 },
        new("UniPC 4", new UniPcSampler(4)) { Flow = 5, Steps = 128 },
        new("UniP 2", new UniPcSampler(2, corrects: false)) { Flow = 2 },
        new("UniP 3", new UniPcSampler(3, corrects: false)) { Flow = 3 },
        new("SA-Solver flow", new SaSolverSampler(_ => 0)) { Flow = 2, Spacing = Spacing.LogSnr, Steps = 256 },
        new("SA-Solver flow 3/4", new SaSolverSampler(_ => 0, 3, 4)) { Flow = 4 },
        new("SA-Solver", new SaSolverSampler()) { Weak = 3, Strong = 1, Spacing = Spacing.LogSnr },
        new("SA-Solver as published", new SaSolverSampler(asPublished: true)) { Weak = 2, Strong = 1, Spacing = Spacing.LogSnr, Steps = 128 },
        new("SA-Solver tau 0.5", new SaSolverSampler(_ => 0.5, 3, 4)) { Eta = 0.5, Weak = 2, Strong = 1, Spacing = Spacing.LogSnr },
        new("SA-Solver 3/4", new SaSolverSampler(null, 3, 4)) { Weak = 2, Strong = 1, Spacing = Spacing.LogSnr },
        new("SA-Solver in the noise", new SaSolverSampler(variable: SolverVariable.Noise)) { Weak = 2, Strong = 1, FromPureNoise = false, Steps = 128 },
        new("ER-SDE 1 flow", new ErSdeSampler(1, ErSdeSampler.Flow)) { Flow = 1, FromPureNoise = false },
        new("ER-SDE 2 flow", new ErSdeSampler(2, ErSdeSampler.Flow)) { Flow = 2, FromPureNoise = false },
        new("ER-SDE 3 flow", new ErSdeSampler(3, ErSdeSampler.Flow)) { Flow = 3, FromPureNoise = false, Spacing = Spacing.LogSnr },
        new("ER-SDE 3 flow as published", new ErSdeSampler(3, ErSdeSampler.Flow, ThirdOrder.AsPublished)) { Flow = 2, FromPureNoise = false, Steps = 128 },
        new("ER-SDE 1", new ErSdeSampler(1)) { LimitOf = "ER-SDE 1", Weak = 1, Strong = 1, FromPureNoise = false },
        new("ER-SDE 2", new ErSdeSampler(2)) { LimitOf = "ER-SDE 1", Weak = 2, Strong = 1, FromPureNoise = false },
        new("ER-SDE 3", new ErSdeSampler(3)) { LimitOf = "ER-SDE 1", Weak = 2, Strong = 1, FromPureNoise = false, Steps = 128 },
        new("ER-SDE 2 reverse equation", new ErSdeSampler(2, ErSdeSampler.ReverseEquation)) { Weak = 2, Strong = 1, FromPureNoise = false, Spacing = Spacing.LogSnr, Steps = 128 },
        new("DPM fast", steps => new DpmFastSampler(3 * steps - 1)) { Flow = 3, FromPureNoise = false, OwnSteps = true },
        new("DPM fast ancestral", steps => new DpmFastSampler(3 * steps - 1, eta: 1)) { Strong = 1, FromPureNoise = false, OwnSteps = true },
        new("DPM adaptive 12", new DpmAdaptiveSampler(order: 2)) { Affine = false, FromPureNoise = false, OwnSteps = true },
        new("DPM adaptive 23", new DpmAdaptiveSampler()) { Affine = false, FromPureNoise = false, OwnSteps = true },
        new("DPM adaptive 23 ancestral", new DpmAdaptiveSampler(eta: 1)) { Affine = false, FromPureNoise = false, OwnSteps = true },
        new("Euler-Maruyama", new EulerMaruyamaSampler()) { DependsOnSchedule = true, Spacing = Spacing.Gentle, Steps = 256, Weak = 1, Strong = 1, ExactMean = false, FromPureNoise = false },
        new("Euler-Maruyama eta 0.5", new EulerMaruyamaSampler(0.5)) { DependsOnSchedule = true, Eta = 0.5, Weak = 1, Strong = 1, ExactMean = false, FromPureNoise = false },
        new("Euler-Maruyama eta 0", new EulerMaruyamaSampler(0)) { DependsOnSchedule = true, Flow = 1, FromPureNoise = false },
        new("Reverse diffusion", new ReverseDiffusionSampler()) { FromPureNoise = false, DependsOnSchedule = true, Weak = 1, Strong = 1, ExactMean = false },
        new("Reverse diffusion eta 0", new ReverseDiffusionSampler(0)) { FromPureNoise = false, DependsOnSchedule = true, Flow = 1 },
        new("Stochastic Heun", new StochasticHeunSampler()) { DependsOnSchedule = true, Weak = 2, Strong = 1, ExactMean = false, FromPureNoise = false },
        new("Stochastic Heun eta 0", new StochasticHeunSampler(0)) { DependsOnSchedule = true, Flow = 2, Steps = 256, FromPureNoise = false },
        new("Restart Heun", new RestartSampler(new HeunSampler(), [new RestartInterval(0.1, 2, 8, repeats: 2)])) { OwnSteps = true },
        new("Runge-Kutta 4 in time", new FlowRungeKuttaSampler(RungeKutta.Classical)) { DependsOnSchedule = true },
        new("Heun in angle", new FlowRungeKuttaSampler(RungeKutta.Heun, FlowVariable.Angle)) { Flow = 2, Steps = 256 },
        new("Runge-Kutta 4 in angle", new FlowRungeKuttaSampler(RungeKutta.Classical, FlowVariable.Angle)) { Flow = 4, Steps = 128 },
        new("Dormand-Prince", new AdaptiveFlowSampler()) { Affine = false, OwnSteps = true },
        new("Bogacki-Shampine", new AdaptiveFlowSampler(RungeKutta.BogackiShampine)) { Affine = false, OwnSteps = true },
        new("Consistency", new ConsistencySampler()),
        new("TCD", new TcdSampler()) { DependsOnSchedule = true },
        new("Predictor-corrector", new PredictorCorrectorSampler()) { FromPureNoise = false, DependsOnSchedule = true, Affine = false },
    ];

    public static CatalogueEntry Of(string name) => All.Single(entry => entry.Name == name);

    /// <summary>The names of the samplers that a law is about.</summary>
    public static TheoryData<string> Names(Func<CatalogueEntry, bool>? of = null) => new(All.Where(of ?? (_ => true)).Select(entry => entry.Name));

    /// <summary>Those names with every schedule.</summary>
    public static TheoryData<string, string> OnEverySchedule(Func<CatalogueEntry, bool>? of = null)
    {
        var data = new TheoryData<string, string>();
        foreach (var entry in All.Where(of ?? (_ => true)))
            foreach (var schedule in LawSchedules.Names)
                data.Add(entry.Name, schedule);
        return data;
    }
}
