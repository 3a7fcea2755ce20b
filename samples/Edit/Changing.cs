using Diffusion;
using Diffusion.Pipelines;
using Diffusion.Samplers;
using static TorchSharp.torch;

namespace Edit;

/// <summary>One image into another.</summary>
internal static class Changing
{
    public static void ImageToImage(Setting setting, string picture, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(2);
        var wanted = (setting.Labels + 1).remainder(setting.Classes);
        var model = setting.Bind(wanted, guidance: 3);
        Console.WriteLine("\n| image to image, towards the next class | recognised as it | rms distance from the image |");
        Console.WriteLine("| --- | --- | --- |");
        var (rows, names) = (new List<Tensor> { setting.Images }, new List<string> { "given" });
        foreach (var strength in new[] { 0.4, 0.55, 0.7, 0.85 })
        {
            var end = ImageEditing.ImageToImage(model, new DdimSampler(), setting.Images, setting.Grid(setting.Steps), strength, noise, cancellationToken: cancellation);
            Console.WriteLine($"| strength {strength} | {setting.Judge.Accuracy(end, wanted):P0} | {(end - setting.Images).square().mean().sqrt().item<float>():f3} |");
            rows.Add(end);
            names.Add($"{strength}");
        }

        Restoration.Write(rows, names, picture);
    }

    public static void Interpolate(Setting setting, string picture)
    {
        using var scope = NewDisposeScope();
        var half = setting.Images.shape[0] / 2;
        var (first, second) = (setting.Images.narrow(0, 0, half), setting.Images.narrow(0, half, half));
        double[] fractions = [0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1];
        var grid = setting.Grid(setting.Steps);
        var between = ImageEditing.Interpolate(setting.Unconditional(half), first, second, fractions, grid, refinements: 2);
        // [fraction, pair] to [pair, fraction].
        var rows = between.view([fractions.Length, half, .. between.shape[1..]]).transpose(0, 1).flatten(0, 1);
        var error = (between.narrow(0, 0, half) - first).square().mean().sqrt().item<float>();
        Console.WriteLine($"\nEncoded by inversion and decoded again, images come back with an rms error of {error:e1}.");
        Restoration.Write([.. Enumerable.Range(0, (int)half).Select(i => rows.narrow(0, i * fractions.Length, fractions.Length))], [.. Enumerable.Range(0, (int)half).Select(i => $"{i} to {i + half}")], picture);
    }
}
