using Diffusion;
using Diffusion.Imaging;
using Diffusion.Pipelines;
using static TorchSharp.torch;

namespace TrainImages;

/// <summary>What a training leaves to look at.</summary>
internal static class Pictures
{
    public static void Write(DiffusionModel model, IReadOnlyList<(double Step, double Loss)> losses, string folder, long seed)
    {
        using var scope = NewDisposeScope();
        const int columns = 8;
        var rows = Math.Clamp(model.Classes, 4, 16);
        var labels = Enumerable.Range(0, rows * columns).Select(i => (long)(i / columns)).ToArray();
        var samples = model.Classes > 0 ? model.Sample(labels.Where(label => label < model.Classes).ToArray(), seed) : model.Sample(labels.Length, seed: seed);
        var names = model.Classes > 0 ? model.Description.ClassNames.Take(rows).ToArray() : null;
        ImageFile.Write(ImageGrid.Make(samples, columns, scale: 2, rowLabels: names), Path.Combine(folder, "samples.png"));

        var chart = new LineChart { Title = "Training loss", XLabel = "step", LogY = true };
        chart.Add("loss", [.. losses.Select(l => l.Step)], [.. losses.Select(l => l.Loss)], LineStyle.Faint);
        chart.Add("smoothed", [.. losses.Select(l => l.Step)], Smooth([.. losses.Select(l => l.Loss)]));
        chart.Write(Path.Combine(folder, "loss.png"));

        var frames = new List<Tensor>();
        var few = Enumerable.Range(0, 16).Select(i => (long)(i % Math.Max(model.Classes, 1))).ToArray();
        // A hook's tensors are freed with its step, so a frame that is kept leaves the scope.
        var hooks = new SamplingHooks { OnStep = (_, state, _) => frames.Add(ImageGrid.Make(state, 4, scale: 2).DetachFromDisposeScope()) };
        if (model.Classes > 0) model.Sample(few, seed, hooks: hooks);
        else model.Sample(few.Length, seed: seed, hooks: hooks);
        Animation.Write(stack(frames), Path.Combine(folder, "denoising.webp"));
        foreach (var frame in frames) frame.Dispose();
    }

    // The mean of the last twentieth of the run, or of what there is.
    private static double[] Smooth(double[] values)
    {
        var window = Math.Max(values.Length / 20, 1);
        return [.. values.Select((_, i) => values[Math.Max(i - window + 1, 0)..(i + 1)].Average())];
    }
}
