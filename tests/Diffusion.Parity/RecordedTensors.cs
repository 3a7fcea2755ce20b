using System.Text.Json;
using Diffusion.Checkpoints;

namespace Diffusion.Parity;

/// <summary>The tensors of one case, by role.</summary>
internal sealed class RecordedTensors(SafetensorsFile file, JsonElement roles)
{
    public bool Has(string role) => roles.TryGetProperty(role, out var name) && name.ValueKind == JsonValueKind.String;

    public Tensor this[string role] => file.Read(roles.GetProperty(role).GetString()!);

    public double[] Numbers(string role) => ToNumbers(this[role]);

    public bool IsInteger(string role) => file.DType(roles.GetProperty(role).GetString()!) is ScalarType.Int64 or ScalarType.Int32;

    public static double[] ToNumbers(Tensor tensor)
    {
        using var flat = tensor.to(float64).flatten();
        return flat.data<double>().ToArray();
    }
}
