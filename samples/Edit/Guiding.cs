using Diffusion;
using Diffusion.Denoisers;
using Diffusion.Evaluation;
using Diffusion.Samplers;
using static TorchSharp.torch;

namespace Edit;

/// <summary>A classifier's gradient against the difference of two models: how well each scale hits the class, and how much the samples still differ.</summary>
internal static class Guiding
{
    public static void Compare(Setting setting, int count, string picture, CancellationToken cancellation)
    {
        if (count < 2 * setting.Classes || count % setting.Classes != 0) throw new ArgumentException($"{count} samples were asked for; a multiple of {setting.Classes}, at least two a class, is needed.", nameof(count));
        using var scope = NewDisposeScope();
        var labels = arange(count, int64).remainder(setting.Classes);
        var like = setting.Images.narrow(0, 0, 1).expand([count, .. setting.Images.shape[1..]]);
        var grid = setting.Grid(setting.Steps / 2);
        Console.WriteLine("\n| guidance | scale | recognised | variance within a class, relative to real |");
        Console.WriteLine("| --- | --- | --- | --- |");
        var (rows, names) = (new List<Tensor>(), new List<string>());
        void Measure(string method, double scale, IDenoiser denoiser)
        {
            using var inner = NewDisposeScope();
            var samples = Restoration.Sample(denoiser, new DdimSampler(), like, grid, cancellation);
            var variance = SampleStatistics.WithinClassVariance(samples, labels) / setting.RealVariance;
            Console.WriteLine($"| {method} | {scale} | {setting.Judge.Accuracy(samples, labels):P0} | {variance:f2} |");
            rows.Add(samples.narrow(0, 0, setting.Classes).clone().MoveToOuterDisposeScope());
            names.Add($"{(method == "classifier" ? "classifier" : "free")} {scale}");
        }

        var unconditional = setting.Unconditional(count);
        foreach (var scale in new[] { 0.0, 1, 2, 4, 8 }) Measure("classifier", scale, new ClampedDenoiser(new ClassifierGuidance(unconditional, setting.Classifier.ForLabels(labels), scale), 1));
        foreach (var scale in new[] { 1.0, 2, 4, 8 }) Measure("classifier-free", scale, setting.Bind(labels, scale));
        Restoration.Write(rows, names, picture);
    }
}
