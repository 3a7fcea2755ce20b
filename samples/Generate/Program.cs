// Draws samples from a trained model folder into one picture. The same seed gives the same bytes.
using System.CommandLine;
using Diffusion;
using Diffusion.Imaging;
using Diffusion.Pipelines;
using Diffusion.Samplers;
using TorchSharp;

var model = new Argument<string>("model") { Description = "The model folder, as samples/TrainImages writes it." };
var label = new Option<string?>("--class") { Description = "Class to draw: its name or number. All in turn if not given." };
var count = new Option<int>("--count") { Description = "How many samples.", DefaultValueFactory = _ => 64 };
var steps = new Option<int>("--steps") { Description = "Steps of the sampler.", DefaultValueFactory = _ => DiffusionModel.DefaultSteps };
var samplers = new Dictionary<string, Sampler> { ["ddim"] = new DdimSampler(), ["ddim-eta-1"] = new DdimSampler(1), ["ddpm"] = new DdpmSampler(ReverseVariance.Large) };
var sampler = new Option<string>("--sampler") { Description = "The sampler.", DefaultValueFactory = _ => "ddim" };
sampler.AcceptOnlyFromAmong([.. samplers.Keys]);
var guidance = new Option<double?>("--guidance") { Description = $"Scale of classifier-free guidance; 1 is none. {DiffusionModel.DefaultGuidance} where the model has classes." };
var seed = new Option<long>("--seed") { Description = "Decides the samples.", DefaultValueFactory = _ => 0 };
var device = new Option<string>("--device") { Description = "cpu, cuda or cuda:N.", DefaultValueFactory = _ => "cpu" };
var output = new Option<string>("--out") { Description = "The picture to write: .png, .jpg or .webp.", DefaultValueFactory = _ => "out/generated.png" };

var root = new RootCommand("""
    Draws samples from a trained model.

    Examples:
      dotnet run -c Release --project samples/Generate -- out/shapes/model
      dotnet run -c Release --project samples/Generate -- out/shapes/model --class star --count 16 --steps 20 --guidance 3 --seed 7
    """) { model, label, count, steps, sampler, guidance, seed, device, output };

root.SetAction((parsed, cancellation) =>
{
    try
    {
        using var loaded = DiffusionModel.Load(parsed.GetValue(model)!, torch.device(parsed.GetValue(device)!));
        var classes = LabelsOf(loaded, parsed.GetValue(label), parsed.GetValue(count));
        using var samples = classes is null
            ? loaded.Sample(parsed.GetValue(count), null, parsed.GetValue(seed), parsed.GetValue(steps), null, samplers[parsed.GetValue(sampler)!], cancellationToken: cancellation)
            : loaded.Sample(classes, parsed.GetValue(seed), parsed.GetValue(steps), parsed.GetValue(guidance), samplers[parsed.GetValue(sampler)!], cancellationToken: cancellation);
        var path = parsed.GetValue(output)!;
        if (Path.GetDirectoryName(path) is { Length: > 0 } folder) Directory.CreateDirectory(folder);
        using var sheet = ImageGrid.Make(samples, scale: 2);
        ImageFile.Write(sheet, path);
        Console.WriteLine($"Wrote {samples.shape[0]} samples to {path}");
        return Task.FromResult(0);
    }
    catch (Exception error) when (error is ArgumentException or IOException or InvalidDataException or InvalidOperationException or UnauthorizedAccessException or OperationCanceledException)
    {
        Console.Error.WriteLine($"Generate: {error.Message}");
        return Task.FromResult(1);
    }
});
return root.Parse(args).Invoke();

static long[]? LabelsOf(DiffusionModel model, string? name, int count)
{
    ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
    if (name is null) return model.Classes == 0 ? null : [.. Enumerable.Range(0, count).Select(i => (long)(i % model.Classes))];
    var names = model.Description.ClassNames;
    var label = Enumerable.Range(0, names.Count).FirstOrDefault(i => names[i].Equals(name, StringComparison.OrdinalIgnoreCase), -1);
    if (label < 0 && !int.TryParse(name, out label)) throw new ArgumentException($"There is no class '{name}'; this model has {string.Join(", ", names)}.");
    var labels = new long[count];
    Array.Fill(labels, label);
    return labels;
}
