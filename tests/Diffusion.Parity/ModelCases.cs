using System.Text.Json;
using Diffusion.Checkpoints;
using Diffusion.Networks;

namespace Diffusion.Parity;

/// <summary>Recorded outputs and gradients of model folders.</summary>
internal static class ModelCases
{
    private const double Tolerance = 5e-5;

    public static IEnumerable<RecordedCase> In(string folder, string name, JsonElement meta)
    {
        var module = meta.GetProperty("module").GetString()!;
        foreach (var recorded in meta.GetProperty("cases").EnumerateObject())
            yield return new RecordedCase($"{name}/{recorded.Name}", comparison =>
            {
                using var network = Load(module, folder);
                network.eval();
                Check(network, folder, recorded.Name, comparison);
            });
    }

    private static DenoisingNetwork Load(string module, string folder) => module switch
    {
        "UNet2DModel" => UNet.Load(folder),
        "UNet2DConditionModel" => ConditionalUNet.Load(folder),
        _ => throw new UnsupportedException($"the library has no {module}"),
    };

    private static void Check(DenoisingNetwork network, string folder, string id, Comparison comparison)
    {
        using var io = SafetensorsFile.Open(Path.Combine(folder, "io.safetensors"));
        var gradients = Path.Combine(folder, "grad.json");
        using var recorded = File.Exists(gradients) ? JsonDocument.Parse(File.ReadAllText(gradients)) : null;
        var differentiated = recorded is not null && recorded.RootElement.GetProperty("case").ValueEquals(id);
        // The recording takes the gradient of frozen parameters too.
        foreach (var parameter in network.parameters()) parameter.requires_grad = differentiated;
        var x = io.Read($"{id}.in.sample");
        var output = network.call(x, io.Read($"{id}.in.timestep").expand(x.shape[0]), Condition(io, id));
        var expected = io.Read($"{id}.out");
        comparison.Tensors("out", output.detach(), expected, Tolerance * Math.Max(1, expected.abs().max().to(float64).item<double>()));
        if (differentiated) CheckGradients(network, output, recorded!.RootElement, comparison);
    }

    private static Conditioning? Condition(SafetensorsFile io, string id)
    {
        Tensor? Read(string argument) => io.Contains($"{id}.in.{argument}") ? io.Read($"{id}.in.{argument}") : null;
        var labels = Read("class_labels");
        var condition = new Conditioning
        {
            Context = Read("encoder_hidden_states"),
            ContextMask = Read("encoder_attention_mask")?.to(ScalarType.Bool),
            ClassLabels = labels?.dim() == 1 ? labels : null,
            Vector = labels?.dim() == 2 ? labels : null,
            PooledText = Read("added_cond_kwargs.text_embeds"),
            TimeIds = Read("added_cond_kwargs.time_ids"),
        };
        return condition.IsEmpty ? null : condition;
    }

    private static void CheckGradients(DenoisingNetwork network, Tensor output, JsonElement recorded, Comparison comparison)
    {
        output.square().mean().backward();
        var norms = recorded.GetProperty("grad_l2").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetDouble());
        // Some are zero in exact arithmetic and rounding in the recording: 1e-7 of the largest. The others change up to 170 times as much as
        // what they are computed from, relatively, and that is the rounding of a few float32 operations: 5e-4.
        var floor = 1e-7 * norms.Values.Max();
        foreach (var (name, parameter) in network.named_parameters())
        {
            var norm = parameter.grad!.norm().to(float64).item<double>();
            comparison.Number($"the gradient of {name}", norm, norms[name], 5e-4 * norms[name] + floor);
        }
        comparison.Number("the number of gradients", network.named_parameters().Count(), norms.Count, 0);
    }
}
