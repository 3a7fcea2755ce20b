using Diffusion.Samplers;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>DPMSolverSDEScheduler: DPM-Solver++ with noise, in two stages. Give its run Brownian noise, as the published one has.</summary>
internal sealed class DpmSolverSdeReader : SchedulerReader
{
    public override IReadOnlyList<string> ClassNames => ["DPMSolverSDEScheduler"];

    public override StepArguments Step => StepArguments.NoiseScale;

    public override IReadOnlyList<ConfigKey> KeysOf(string className) =>
    [
        .. TrainedSchedule.Keys(0.00085, 0.012),
        SigmaFamily.PredictionKey(),
        .. PublishedSigmas.Keys(),
        ConfigKey.Unused("noise_sampler_seed"),
        .. SigmaFamily.SpacingKeys(),
    ];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step) =>
        SigmaFamily.Plan(config, values, _ => new DpmPlusPlusSdeSampler(noiseScale: step.NoiseScale ?? 1), step.Quirks);
}
