using Diffusion;
using Diffusion.Data;
using Diffusion.Evaluation;
using Diffusion.Imaging;
using Diffusion.Integration;
using Diffusion.Pipelines;
using Diffusion.Samplers;
using static TorchSharp.torch;

namespace RectifiedFlow;

/// <summary>
/// Samples of each model at few and many steps by an independent classifier: how many are recognised, how much they vary within a class against real digits, and the Fréchet distance to the
/// training digits in its features.
/// </summary>
internal sealed class DigitMeasurement(IReadOnlyList<Subset> parts, string folder, int count, double guidance)
{
    private static readonly int[] Steps = [1, 2, 4, 8, 50];

    public void Run(IReadOnlyList<(string Name, string Folder, double Guidance)> models, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var (real, other, unseen) = (Whole(parts[0]), Whole(parts[1]), Whole(parts[2]));
        manual_seed(0);
        using var classifier = new ImageClassifier(1, 28, 10);
        new ClassifierTraining { Epochs = 20 }.Train(classifier, other.Data, other.Labels!, cancellation);
        var (features, variance) = (classifier.FeaturesOf(real.Data), SampleStatistics.WithinClassVariance(real.Data, real.Labels!));
        var lines = new List<string>
        {
            $"Classifier: {classifier.Accuracy(unseen.Data, unseen.Labels!):P1} of {unseen.Count:N0} held-out digits, whose Fréchet distance is {FrechetDistance.Between(classifier.FeaturesOf(unseen.Data), features):f2}.",
            $"{count:N0} samples; 1-rectified with guidance {guidance} by DPM-Solver++ 2M, the others without guidance by Euler's method.",
            "", "| model | steps | recognised | variance | Fréchet distance |", "| --- | --- | --- | --- | --- |",
        };
        foreach (var line in lines) Console.WriteLine(line);

        var labels = Enumerable.Range(0, count).Select(i => (long)(i % 10)).ToArray();
        var asked = tensor(labels);
        var chart = new LineChart { Title = "Fréchet distance by steps", XLabel = "steps", YLabel = "Fréchet distance", LogX = true, LogY = true };
        foreach (var (name, path, scale) in models)
        {
            if (!Directory.Exists(path) || !File.Exists(Path.Combine(path, "model.json")))
            {
                Console.WriteLine($"({name} has not been trained yet.)");
                continue;
            }

            using var model = DiffusionModel.Load(path);
            Sampler solver = scale != 1 ? DpmSolverMultistepSampler.PlusPlus2M() : new FlowRungeKuttaSampler(RungeKutta.Euler);
            var distances = new List<double>();
            foreach (var steps in Steps)
            {
                using var inner = NewDisposeScope();
                var samples = model.Sample(labels, seed: 1, steps, scale, solver, batchSize: 100, cancellationToken: cancellation);
                var right = (classifier.Classify(samples) == asked).to(float64);
                distances.Add(FrechetDistance.Between(classifier.FeaturesOf(samples), features));
                var line = $"| {name} | {steps} | {right.mean().item<double>():P1} | {SampleStatistics.WithinClassVariance(samples, asked) / variance:f3} | {distances[^1]:f2} |";
                lines.Add(line);
                Console.WriteLine(line);
                if (steps is not (1 or 8)) continue;
                var rows = cat(Enumerable.Range(0, 10).Select(digit => samples[asked == digit][..16]).ToArray(), 0);
                ImageFile.Write(ImageGrid.Make(rows, 16, scale: 2), Path.Combine(folder, $"{name}-{steps}.png"));
            }

            chart.Add(name, Array.ConvertAll(Steps, s => (double)s), distances);
            chart.Write(Path.Combine(folder, "steps.png"));
        }

        File.WriteAllLines(Path.Combine(folder, "figures.md"), lines);
        Console.WriteLine($"Figures and pictures: {folder}");
    }

    private static Batch Whole(DataSet data) => data.Get([.. Enumerable.Range(0, (int)data.Count).Select(i => (long)i)]);
}
