using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Diffusion.Checkpoints;
using Diffusion.Training;

namespace Diffusion.Tests.Hostile;

/// <summary>The stored averages of a run, from which others are computed.</summary>
internal sealed class AveragesFormat() : HostileFormat("stored averages")
{
    private static readonly string[] Numbers = ["0", "-1", "1", "2", "10", "20", "5", "6.94", "0.5", "1e300", "1e-300", "NaN", "Infinity", "9223372036854775807", "9223372036854775808", "", "x", "16.97"];

    public override IReadOnlyDictionary<string, byte[]> Valid { get; } = Written(folder =>
    {
        using var scope = NewDisposeScope();
        foreach (var step in new[] { 10, 20 })
            foreach (var (i, gamma) in new[] { 16.97, 6.94 }.Index())
                SafetensorsFile.Save(Path.Combine(folder, $"average-{i}-{step:D8}.safetensors"), [("w", ones(3) * step), ("b", zeros(2)), ("buffer", arange(2, int64))], new Dictionary<string, string>
                {
                    ["format"] = "pt",
                    ["gamma"] = gamma.ToString(CultureInfo.InvariantCulture),
                    ["updates"] = step.ToString(CultureInfo.InvariantCulture),
                    ["buffers"] = "buffer",
                });
    });

    public override IEnumerable<Dictionary<string, byte[]>> Directed =>
    [
        new(), .. new[] { ("gamma", "-1"), ("gamma", "NaN"), ("gamma", "1e300"), ("gamma", "1e-300"), ("updates", "0"), ("updates", "9223372036854775807"), ("updates", "x"), ("other", "1"), ("gamma", "6.94"), ("updates", "20") }
            .Select(lie => With(First, Telling(Valid[First], lie.Item1, lie.Item2))),
        With(First, SafetensorsFormat.File("""{"__metadata__":{"gamma":"16.97","updates":"10","buffers":""},"w":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}""", new byte[12])),
        With(First, Replaced(Valid[First], "\"shape\":[3]", "\"shape\":[3,1]")), With(First, Replaced(Valid[First], "\"gamma\"", "\"gamme\"")),
    ];

    private string First => Valid.Keys.Order(StringComparer.Ordinal).First();

    public override long Load(string folder)
    {
        var averages = PostHocAverages.Open(folder);
        try
        {
            var coefficients = averages.Coefficients(averages.OfWidth(0.1));
            if (!coefficients.All(double.IsFinite) || Math.Abs(coefficients.Sum() - 1) > 1e-6) throw new ArithmeticException($"coefficients {string.Join(", ", coefficients)}");
            averages.Save(Path.Combine(folder, "made.safetensors"), averages.OfWidth(0.1));
        }
        catch (Exception error) when (error.GetType() == typeof(ArgumentException) || error.GetType() == typeof(ArgumentOutOfRangeException))
        {
            Said.Add(error.Message);
            return 0;
        }

        return SafetensorsFormat.Load(Path.Combine(folder, "made.safetensors"), _ => { });
    }

    public override void Distort(Dictionary<string, byte[]> files, Random random)
    {
        var name = Any(files, random);
        files[name] = random.Next(2) == 0
            ? Telling(files[name], random.Next(3) switch { 0 => "gamma", 1 => "updates", _ => "buffers" }, Numbers[random.Next(Numbers.Length)])
            : SafetensorsFormat.Distort(files[name], random);
    }

    // The same file with other metadata.
    private static byte[] Telling(byte[] file, string key, string value)
    {
        var length = (int)BitConverter.ToInt64(file);
        var header = JsonNode.Parse(Encoding.UTF8.GetString(file, 8, length))!;
        header["__metadata__"]![key] = value;
        return SafetensorsFormat.File(header.ToJsonString(), file[(8 + length)..]);
    }

    private static byte[] Replaced(byte[] file, string from, string to)
    {
        var length = (int)BitConverter.ToInt64(file);
        return SafetensorsFormat.File(Encoding.UTF8.GetString(file, 8, length).Replace(from, to, StringComparison.Ordinal), file[(8 + length)..]);
    }
}
