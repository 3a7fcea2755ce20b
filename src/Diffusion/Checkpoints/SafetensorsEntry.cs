namespace Diffusion.Checkpoints;

/// <summary>Where one tensor lies in a safetensors file. Offsets count from the end of the header.</summary>
internal sealed record SafetensorsEntry(ScalarType DType, long[] Shape, long Begin, long End);
