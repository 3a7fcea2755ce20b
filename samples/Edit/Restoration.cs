using Diffusion;
using Diffusion.Denoisers;
using Diffusion.Imaging;
using Diffusion.Operators;
using Diffusion.Samplers;
using static TorchSharp.torch;

namespace Edit;

/// <summary>Images from measurements of them: a hole, and few pixels.</summary>
internal static class Restoration
{
    public static void Inpaint(Setting setting, string picture, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var images = setting.Images;
        var size = images.shape[^1];
        var known = ones([1, 1, size, size], ScalarType.Bool);
        known.narrow(2, size / 4, size / 2).narrow(3, size / 4, size / 2).fill_(false);
        var mask = new MaskOperator(known);
        var model = setting.Bind(setting.Labels);
        var grid = setting.Grid(setting.Steps);
        var methods = new (string Name, IDenoiser Denoiser, Sampler Sampler)[]
        {
            ("replacement", model, new ReplacementSampler(new DdpmSampler(), images, known)),
            ("RePaint", model, new RePaintSampler(new DdpmSampler(), images, known, 10, 5)),
            ("DDNM", new NullSpaceDenoiser(model, mask, images), new DdpmSampler()),
            ("PiGDM", new NullSpaceDenoiser(new PseudoInverseGuidance(model, mask, images, dataDeviation: 0.6), mask, images), new DdimSampler()),
        };
        Console.WriteLine("\n| inpainting the middle quarter | recognised | rms error in the hole | known pixels |");
        Console.WriteLine("| --- | --- | --- | --- |");
        var rows = new List<Tensor> { images, where(known, images, zeros(1)) };
        foreach (var (name, denoiser, sampler) in methods)
        {
            var end = Sample(denoiser, sampler, images, grid, cancellation);
            var exact = where(known, end.eq(images), ones_like(known)).all().item<bool>();
            var error = (end - images).masked_select(known.logical_not().expand_as(images)).square().mean().sqrt().item<float>();
            Console.WriteLine($"| {name} | {setting.Judge.Accuracy(end, setting.Labels):P0} | {error:f3} | {(exact ? "exactly as given" : "CHANGED")} |");
            rows.Add(end);
        }

        Write(rows, ["given", "hole", .. methods.Select(method => method.Name)], picture);
    }

    public static void Enlarge(Setting setting, string picture, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var images = setting.Images;
        var size = (int)images.shape[^1];
        var model = setting.Unconditional(images.shape[0]); // the class is part of what is to be found
        var grid = setting.Grid(setting.Steps);
        Console.WriteLine("\n| super-resolution | recognised | rms error | rms error of the measurement |");
        Console.WriteLine("| --- | --- | --- | --- |");
        var (rows, names) = (new List<Tensor> { images }, new List<string> { "given" });
        foreach (var factor in new[] { 2, 4 })
        {
            var down = new DownsamplingOperator(factor);
            var small = down.Apply(images);
            var results = new (string Name, Tensor Image)[]
            {
                ($"{factor}x pixels", down.PseudoInverse(small)),
                ($"{factor}x Lanczos", LanczosResampling.Resize(small, size, size).clamp(-1, 1)),
                ($"{factor}x DDNM", Sample(new NullSpaceDenoiser(model, down, small), new DdpmSampler(), images, grid, cancellation)),
                ($"{factor}x PiGDM", Sample(new PseudoInverseGuidance(model, down, small, 0.02, dataDeviation: 0.6), new DdimSampler(), images, grid, cancellation)),
            };
            foreach (var (name, image) in results)
            {
                var (error, measured) = ((image - images).square().mean().sqrt().item<float>(), down.Residual(image, small).square().mean().sqrt().item<float>());
                Console.WriteLine($"| {name} | {setting.Judge.Accuracy(image, setting.Labels):P0} | {error:f3} | {measured:g2} |");
                rows.Add(image);
                names.Add(name);
            }
        }

        Write(rows, names, picture);
    }

    public static void Write(IReadOnlyList<Tensor> rows, IReadOnlyList<string> names, string picture)
    {
        using var scope = NewDisposeScope();
        ImageFile.Write(ImageGrid.Make(cat(rows.ToArray(), 0).clamp(-1, 1), (int)rows[0].shape[0], scale: 2, rowLabels: names), picture);
        Console.WriteLine($"({picture})");
    }

    public static Tensor Sample(IDenoiser denoiser, Sampler sampler, Tensor like, TimeGrid grid, CancellationToken cancellation)
    {
        using var noise = NoiseSource.FromSeed(1);
        using var start = noise.NextLike(like).mul_(grid.Start.Sigma);
        return sampler.Sample(denoiser, start, grid, noise, null, cancellation);
    }
}
