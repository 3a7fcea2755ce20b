using System.Text.Json;
using Diffusion.Checkpoints;
using Diffusion.Networks;

namespace Diffusion.Parity;

/// <summary>Recorded outputs of model folders.</summary>
internal static class ModelCases
{
    private const double Tolerance = 5e-5;

    public static IEnumerable<RecordedCase> In(string folder, string name, JsonElement meta)
    {
        var module = meta.GetProperty("module").GetString()!;
        foreach (var recorded in meta.GetProperty("cases").EnumerateObject())
            yield return new RecordedCase($"{name}/{recorded.Name}", comparison =>
            {
                if (module != "UNet2DModel") throw new UnsupportedException($"the library has no {module}");
                CheckUNet(folder, recorded.Name, comparison);
            });
    }

    private static void CheckUNet(string folder, string id, Comparison comparison)
    {
        using var network = UNet.Load(folder);
        network.eval();
        using var gradients = no_grad();
        using var io = SafetensorsFile.Open(Path.Combine(folder, "io.safetensors"));
        var x = io.Read($"{id}.in.sample");
        var labels = io.Contains($"{id}.in.class_labels") ? new Conditioning { ClassLabels = io.Read($"{id}.in.class_labels") } : null;
        var output = network.call(x, io.Read($"{id}.in.timestep").expand(x.shape[0]), labels);
        var expected = io.Read($"{id}.out");
        comparison.Tensors("out", output, expected, Tolerance * Math.Max(1, expected.abs().max().to(float64).item<double>()));
    }
}
