using Diffusion.Data;
using Diffusion.Schedules;
using Diffusion.Training;

namespace Diffusion.Benchmarks;

/// <summary>A <see cref="TrainingRun"/> as users have it, taken one step at a time: ε prediction, AdamW, clipping at 1 and one average.</summary>
public sealed class SteppedRun : IDisposable
{
    private readonly TrainingRun _run;
    private CancellationTokenSource? _source;

    public SteppedRun(DenoisingNetwork network, DataLoader loader, double rate, ComputePrecision precision) =>
        _run = new TrainingRun(
            network,
            new DenoisingObjective(new DiscreteSchedule(BetaSchedule.Linear()), Parameterization.Epsilon()),
            loader,
            new TrainingSettings
            {
                Update = UpdateRule.AdamW(rate, weightDecay: 0.01),
                Precision = precision,
                Averages = [AveragingRule.Constant(0.9999)],
                AfterStep = _ => _source!.Cancel(),
            });

    public void Step()
    {
        using var source = _source = new CancellationTokenSource();
        _run.Train(cancellationToken: source.Token);
    }

    public void Dispose() => _run.Dispose();
}
