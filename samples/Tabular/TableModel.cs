using Diffusion;
using Diffusion.Data;
using Diffusion.Denoisers;
using Diffusion.Networks;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Training;
using static TorchSharp.torch;
using Parameterization = Diffusion.Parameterization;

namespace Tabular;

/// <summary>A flow from noise to rows of a table.</summary>
internal sealed class TableModel : IDisposable
{
    private static readonly RectifiedFlowSchedule Flow = new();

    private readonly TableEncoding _encoding;
    private readonly Mlp _network;

    public TableModel(Table table, int seed)
    {
        _encoding = new TableEncoding(table);
        manual_seed(seed);
        _network = new Mlp(_encoding.Dimensions, width: 256, depth: 4);
    }

    public void Train(Table table, long steps, int seed, IProgress<TrainingProgress> progress, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        using var data = new TensorDataSet(_encoding.Encode(table, new Random(seed)));
        using var loader = new DataLoader(data, (int)Math.Min(256, data.Count), new DataLoaderOptions { Seed = seed });
        var objective = new DenoisingObjective(Flow, Parameterization.Velocity()) { Times = TimeDistribution.Uniform().Stratified() };
        var settings = new TrainingSettings { Steps = steps, Seed = seed, Update = UpdateRule.AdamW(1e-3), LearningRate = LearningRateSchedule.Cosine(0.02).WithWarmUp(50), ReportEvery = 200 };
        using var run = new TrainingRun(_network, objective, loader, settings);
        if (run.Train(progress, cancellation) == TrainingOutcome.Cancelled) throw new OperationCanceledException("Stopped.");
        run.Averages[0].CopyTo(_network);
    }

    public Table Draw(int count, int seed, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(seed);
        var denoiser = new NetworkDenoiser(_network, Flow, Parameterization.Velocity());
        var parts = new List<Tensor>();
        for (var first = 0; first < count; first += 2000)
            parts.Add(new DdimSampler().Sample(denoiser, Flow.DrawPrior([Math.Min(2000, count - first), _encoding.Dimensions], noise), TimeGrid.Uniform(Flow, 50), noise, null, cancellation));
        return _encoding.Decode(cat(parts, 0));
    }

    public void Dispose() => _network.Dispose();
}
