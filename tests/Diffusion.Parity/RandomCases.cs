using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Diffusion.Checkpoints;

namespace Diffusion.Parity;

/// <summary>Recorded random draws. The library draws normal numbers; what else is recorded belongs to libtorch itself.</summary>
internal static partial class RandomCases
{
    public static IEnumerable<RecordedCase> In(string folder, string name, JsonElement manifest)
    {
        foreach (var recorded in manifest.GetProperty("tensors").EnumerateArray())
        {
            var (tensor, how) = (recorded.GetProperty("tensor").GetString()!, recorded.GetProperty("how").GetString()!);
            yield return new RecordedCase($"{name}/{tensor}", comparison => Check(folder, tensor, how, comparison));
        }
    }

    private static void Check(string folder, string name, string how, Comparison comparison)
    {
        using var file = SafetensorsFile.Open(Path.Combine(folder, "data.safetensors"));
        if (OptimizerCases.Has(name))
        {
            OptimizerCases.Check(file, name, comparison);
            return;
        }

        if (Normal().Match(how) is not { Success: true } draw) throw new UnsupportedException($"no part of the library is recorded here: {how}");
        using var noise = NoiseSource.FromSeed(long.Parse(draw.Groups["seed"].Value, CultureInfo.InvariantCulture));
        var expected = file.Read(name);
        var actual = noise.Next(expected.shape, expected.dtype, CPU);
        // Equal up to the last digit of the logarithms and cosines of other processors.
        comparison.Tensors(name, actual, expected, (expected.dtype == ScalarType.Float64 ? Math.ScaleB(1, -51) : Math.ScaleB(1, -22)) * expected.abs().max().to(float64).item<double>());
    }

    [GeneratedRegex(@"^(?:Generator\(\)\.)?manual_seed\((?<seed>\d+)\); randn\([\d,\s]*(?:,\s*)?(?:dtype=float64|generator=g)?\)$")]
    private static partial Regex Normal();
}
