using Diffusion;
using Diffusion.Data;
using Diffusion.Denoisers;
using Diffusion.Networks;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Training;
using static TorchSharp.torch;
using Parameterization = Diffusion.Parameterization;

namespace TimeSeries;

/// <summary>
/// A flow from noise to curves of a weekday. The windows begin at midnight, so that every hour has its own place and a plain residual network suits them; windows that begin anywhere would want
/// a network that treats all places alike.
/// </summary>
internal sealed class CurveModel : IDisposable
{
    private static readonly RectifiedFlowSchedule Flow = new();

    private readonly Mlp _network;

    public CurveModel()
    {
        manual_seed(1);
        _network = new Mlp(LoadCurves.Hours, width: 256, depth: 4, classes: 7);
    }

    public void Train(Tensor curves, Tensor weekdays, long steps, CancellationToken cancellation)
    {
        using var data = new TensorDataSet(curves, weekdays, LoadCurves.Weekdays);
        using var loader = new DataLoader(data, (int)Math.Min(256, data.Count), new DataLoaderOptions { Seed = 1 });
        var objective = new DenoisingObjective(Flow, Parameterization.Velocity()) { Times = TimeDistribution.Uniform().Stratified() };
        var settings = new TrainingSettings { Steps = steps, Update = UpdateRule.AdamW(1e-3), LearningRate = LearningRateSchedule.Cosine(0.02).WithWarmUp(50), Condition = TrainingSettings.ForClasses(7) };
        using var run = new TrainingRun(_network, objective, loader, settings);
        if (run.Train(null, cancellation) == TrainingOutcome.Cancelled) throw new OperationCanceledException("Stopped.");
        run.Averages[0].CopyTo(_network);
    }

    /// <summary>One curve a weekday that is asked for.</summary>
    public Tensor Draw(Tensor weekdays, long seed, CancellationToken cancellation)
    {
        using var noise = NoiseSource.FromSeed(seed);
        using var start = Flow.DrawPrior([weekdays.shape[0], LoadCurves.Hours], noise);
        return new DdimSampler().Sample(Bound(weekdays), start, TimeGrid.Uniform(Flow, 50), noise, null, cancellation);
    }

    /// <summary>
    /// Curves that begin as given ones do: inpainting in time. The hours that are not known are walked again and again so that they come to agree with the known ones (RePaint).
    /// </summary>
    /// <param name="curves">[count, 48]; what they hold at unknown hours does not count.</param>
    /// <param name="weekdays">[count].</param>
    /// <param name="known">Bool [48], true where an hour is given.</param>
    /// <param name="seed">Decides what comes at unknown hours.</param>
    /// <param name="cancellation">Looked at between steps.</param>
    public Tensor Complete(Tensor curves, Tensor weekdays, Tensor known, long seed, CancellationToken cancellation)
    {
        using var noise = NoiseSource.FromSeed(seed);
        using var mask = known.unsqueeze(0);
        using var start = Flow.DrawPrior(curves.shape, noise);
        var sampler = new RePaintSampler(new DdpmSampler(), curves, mask, jumpLength: 5, resamplings: 5);
        return sampler.Sample(Bound(weekdays), start, TimeGrid.Uniform(Flow, 50), noise, null, cancellation);
    }

    public void Dispose() => _network.Dispose();

    private NetworkDenoiser Bound(Tensor weekdays) => new(_network, Flow, Parameterization.Velocity(), new Conditioning { ClassLabels = weekdays });
}
