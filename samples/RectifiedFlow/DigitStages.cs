using System.Diagnostics;
using Diffusion;
using Diffusion.Checkpoints;
using Diffusion.Data;
using Diffusion.Networks;
using Diffusion.Pipelines;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Training;
using static TorchSharp.torch;
using Parameterization = Diffusion.Parameterization;

namespace RectifiedFlow;

/// <summary>Class-conditional rectified flow of handwritten digits, then reflow and distillation: each stage leaves its result in a folder and is not done twice.</summary>
internal sealed class DigitStages
{
    public static readonly string[] All = ["train", "pairs", "reflow", "distil", "measure"];
    private static readonly RectifiedFlowSchedule Flow = new();

    public required string Data { get; init; }

    public required string Folder { get; init; }

    public double Minutes { get; init; }

    public long Pairs { get; init; }

    public int PairSteps { get; init; }

    public double Guidance { get; init; }

    public int Samples { get; init; }

    public ComputePrecision Precision { get; init; }

    public required string[] Stages { get; init; }

    private string First => Path.Combine(Folder, "1-rectified");

    private string PairFile => Path.Combine(Folder, "pairs.bin");

    private string Second => Path.Combine(Folder, "2-rectified");

    private string Distilled => Path.Combine(Folder, "distilled");

    public void Run(CancellationToken cancellation)
    {
        if (Samples < 160 || Samples % 10 != 0) throw new ArgumentException($"--samples is {Samples}; a multiple of 10, at least 160 (16 a digit), is needed.");
        using var all = IdxDataSet.Open(Path.Combine(Data, "t10k-images-idx3-ubyte.gz"), Path.Combine(Data, "t10k-labels-idx1-ubyte.gz"));
        var parts = DataSplit.ByHash(all, 5000, 4000, 1000); // as in samples/Digits
        Directory.CreateDirectory(Folder);
        foreach (var stage in All.Where(Stages.Contains))
        {
            if (IsDone(stage))
            {
                Console.WriteLine($"{stage}: done before.");
                continue;
            }

            var watch = Stopwatch.StartNew();
            switch (stage)
            {
                case "train": TrainFirst(parts[0], cancellation); break;
                case "pairs": MakePairs(cancellation); break;
                case "reflow": TrainOnPairs(First, Second, TimeDistribution.Mode(-1).Stratified(), 1e-3, cancellation); break;
                case "distil": TrainOnPairs(Second, Distilled, TimeDistribution.Among(1), 1e-3, cancellation); break;
                default: new DigitMeasurement(parts, Folder, Samples, Guidance).Run([("1-rectified", First, Guidance), ("2-rectified", Second, 1), ("distilled", Distilled, 1)], cancellation); break;
            }

            Console.WriteLine($"{stage}: {watch.Elapsed.TotalMinutes:f1} minutes.");
        }
    }

    private bool IsDone(string stage) => stage switch
    {
        "train" => File.Exists(Path.Combine(First, ModelDescription.FileName)),
        "reflow" => File.Exists(Path.Combine(Second, ModelDescription.FileName)),
        "distil" => File.Exists(Path.Combine(Distilled, ModelDescription.FileName)),
        _ => false, // pairs find out themselves, and measuring is what one asks for again
    };

    private void TrainFirst(DataSet data, CancellationToken cancellation)
    {
        manual_seed(1);
        using var network = new UNet(UNetPresets.ForImages(1, 28, 10), zeroInit: true);
        var objective = new DenoisingObjective(Flow, Parameterization.Velocity()) { Times = TimeDistribution.LogitNormal().Stratified(), ConditionDropout = 0.1 };
        Train(network, objective, data, First, 2e-3, cancellation);
    }

    private void MakePairs(CancellationToken cancellation)
    {
        using var model = DiffusionModel.Load(First);
        var generator = new PairGenerator([1, 28, 28], condition => model.Bind(condition, Guidance), DpmSolverMultistepSampler.PlusPlus2M(), TimeGrid.Uniform(Flow, PairSteps)) { Seed = 7, Classes = 10 };
        var told = 0L;
        var progress = new Lines<PairProgress>(p =>
        {
            if (p.Completed < p.Count && p.Completed - told < 1000) return;
            told = p.Completed;
            Console.WriteLine($"{p.Completed:N0} of {p.Count:N0} pairs, {p.PairsPerSecond:f1} a second");
        });
        if (generator.Generate(PairFile, Pairs, progress, cancellation) == TrainingOutcome.Cancelled) throw Stopped();
    }

    private void TrainOnPairs(string from, string to, TimeDistribution times, double rate, CancellationToken cancellation)
    {
        using var pairs = PairFileDataSet.Open(PairFile);
        using var model = DiffusionModel.Load(from);
        Train(model.Network, new DenoisingObjective(Flow, Parameterization.Velocity()) { Coupling = Coupling.Paired, Times = times }, pairs, to, rate, cancellation);
    }

    private void Train(DenoisingNetwork network, TrainingObjective objective, DataSet data, string target, double rate, CancellationToken cancellation)
    {
        using var loader = new DataLoader(data, 32, new DataLoaderOptions { Seed = 1 });
        using var run = new TrainingRun(network, objective, loader, new TrainingSettings
        {
            Update = UpdateRule.AdamW(rate),
            LearningRate = LearningRateSchedule.Cosine(0.02).WithWarmUp(50),
            Averages = [AveragingRule.PowerFunctionOfWidth(0.1)],
            Duration = TimeSpan.FromMinutes(Minutes),
            Condition = TrainingSettings.ForClasses(10),
            ReportEvery = 200,
            Precision = Precision,
            CheckpointFolder = Path.Combine(target, "training"),
        });
        if (run.Resume()) Console.WriteLine($"Going on from step {run.Step:N0}.");
        Console.WriteLine($"{Path.GetFileName(target)}: {network.parameters().Sum(p => p.numel()):N0} parameters, {data.Count:N0} samples, {Minutes} minutes.");
        var progress = new Lines<TrainingProgress>(p => Console.WriteLine($"step {p.Step:N0}  loss {p.Loss:f4}  {p.SamplesPerSecond:f0} digits/s"));
        if (run.Train(progress, cancellation) == TrainingOutcome.Cancelled) throw Stopped();
        run.Averages[0].CopyTo(network);
        var description = new ModelDescription(Flow, Parameterization.Velocity(), 1, 28, 28) { ClassNames = [.. Enumerable.Range(0, 10).Select(i => $"{i}")], NullClass = 10, DataRange = 1 };
        ((UNet)network).Save(target);
        description.Write(Path.Combine(target, ModelDescription.FileName)); // last: it says that the stage is done
    }

    private static OperationCanceledException Stopped() => new("Stopped; the same command goes on from here.");

    // Told on the thread that works, in order; System.Progress would hop to another.
    private sealed class Lines<T>(Action<T> tell) : IProgress<T>
    {
        public void Report(T value) => tell(value);
    }
}
