using Diffusion;
using Diffusion.Evaluation;
using Diffusion.Imaging;
using Diffusion.Samplers;
using static TorchSharp.torch;

namespace ScoreField;

/// <summary>What the model has learned, as pictures.</summary>
/// <param name="model">The trained model.</param>
/// <param name="data">Held-out data.</param>
/// <param name="cells">Cells a side of heat maps.</param>
internal sealed class Pictures(IDenoiser model, Tensor data, int cells)
{
    private const int Paths = 14, Drawn = 5;

    /// <summary>The learned score over the exact density of the blurred data, from noise to data.</summary>
    public void Field(string path)
    {
        using var scope = NewDisposeScope();
        var panels = new[] { 0.6, 0.3, 0.15, 0.07, 0.03, 0.01 }.Select(time =>
        {
            var level = model.Schedule.At(time);
            var chart = Panel($"t = {time:g2}: {level.Alpha:f2} data + {level.Sigma:f2} noise");
            chart.AddHeat(Spiral.Distribution.LogDensity(Plane.Cells(cells), level).exp().view(cells, cells));
            var from = Plane.Cells(21);
            var score = model.Denoise(from, level).ScoreAt(from, level);
            var strength = score.norm(1, keepdim: true);
            // All directions can be seen, and a longer arrow is a stronger one: half of the full length where the score is as strong as a typical one.
            chart.AddArrows(from, score / (strength + strength.median()) * 0.42, colour: 1);
            return chart;
        });
        Write(panels, path, columns: 3);
    }

    /// <summary>Paths of the reverse equation and of the flow from the same noise, in the plane and over time.</summary>
    public void Trajectories(string path)
    {
        using var scope = NewDisposeScope();
        var grid = TimeGrid.FromTimes(model.Schedule, [.. Enumerable.Range(0, 400).Select(i => Math.Pow(1 - i / 400.0, 2))]);
        var (inPlane, overTime) = (new List<PlaneChart>(), new List<PlaneChart>());
        foreach (var (name, sampler) in new (string, Sampler)[] { ("Reverse equation (SDE): fresh noise at every step", new EulerMaruyamaSampler()), ("Flow (ODE): from the same noise, and no more", new HeunSampler()) })
        {
            using var noise = NoiseSource.FromSeed(4);
            var states = new List<Tensor> { model.Schedule.DrawPrior([Paths, 2], noise).DetachFromDisposeScope() };
            sampler.Sample(model, states[0], grid, noise, new SamplingHooks { OnStep = (_, x, _) => states.Add(x.clone().DetachFromDisposeScope()) });
            var places = stack(states, 1); // [paths, times, 2]
            foreach (var state in states) state.Dispose();
            double[] times = [.. grid.Select(step => step.At.Level.Time), 0];
            var drawnTimes = tensor(times, float32).sqrt().expand(Paths, times.Length);
            var plane = Panel(name);
            plane.AddPoints(data[..Math.Min(3000, (int)data.shape[0])], colour: 4, radius: 0.7);
            for (var k = 0; k < Drawn; k++) plane.AddPaths(places[k..(k + 1)], colour: k);
            inPlane.Add(plane);
            var chart = new PlaneChart(0, 1, -Plane.Extent, Plane.Extent) { XLabel = "square root of t: 0 is data, 1 is noise", YLabel = "first coordinate", Width = 480, Height = 330 };
            for (var k = 0; k < Paths; k++) chart.AddPaths(stack([drawnTimes[k..(k + 1)], places[k..(k + 1)].select(2, 0)], 2), colour: k);
            overTime.Add(chart);
        }

        Write([.. inPlane, .. overTime], path, columns: 2);
    }

    /// <summary>The data, samples, and the learned density beside the true one.</summary>
    public void Density(FlowLikelihood likelihood, string path)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(5);
        var samples = new AdaptiveFlowSampler().Sample(model, model.Schedule.DrawPrior([data.shape[0], 2], noise), TimeGrid.FromTimes(model.Schedule, [1, 1e-4]), noise);
        var places = Plane.Cells(cells);
        var truth = Spiral.Distribution.LogDensity(places, NoiseLevel.Of(1, 0)).exp().view(cells, cells);
        var learned = likelihood.Evaluate(model, places, noise).LogDensity.exp().view(cells, cells);
        var most = truth.max().item<double>();
        var panels = new[] { Panel($"Data: {data.shape[0]:N0} points"), Panel("As many samples of the model"), Panel("Learned density"), Panel("True density") };
        panels[0].AddPoints(data);
        panels[1].AddPoints(samples);
        panels[2].AddHeat(learned, most);
        panels[3].AddHeat(truth, most);
        Write(panels, path, columns: 2);
    }

    private static PlaneChart Panel(string title) => new(-Plane.Extent, Plane.Extent, -Plane.Extent, Plane.Extent) { Title = title, Width = 480, Height = 490 };

    private static void Write(IEnumerable<PlaneChart> charts, string path, int columns)
    {
        // Rows of pictures of one size, below each other.
        var rows = charts.GroupBy(chart => chart.Height).Select(row => ImageGrid.Make(stack([.. row.Select(chart => chart.Render())]), columns, padding: 6)).ToArray();
        ImageFile.Write(cat(rows, 1), path);
        Console.WriteLine($"Picture: {path}");
    }
}
