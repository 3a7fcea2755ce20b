using System.Globalization;
using System.Text.RegularExpressions;

namespace Diffusion;

/// <summary>
/// A device has not enough memory for what was asked of it. Nothing is broken: what the failed call had made is freed, and a smaller batch may fit.
/// </summary>
public sealed partial class DeviceOutOfMemoryException : Exception
{
    /// <summary>An error of a device.</summary>
    /// <param name="device">The device, as in <see cref="Device"/>.</param>
    /// <param name="requestedBytes">How many bytes could not be had; null where that is not known.</param>
    /// <param name="innerException">What libtorch said.</param>
    public DeviceOutOfMemoryException(string device, long? requestedBytes, Exception innerException) : base(Text(device, requestedBytes, innerException), innerException) =>
        (Device, RequestedBytes) = (device, requestedBytes);

    /// <summary>The device: "cpu", "cuda:0" and so on, "cuda" where libtorch does not say which.</summary>
    public string Device { get; }

    /// <summary>Size of the piece of memory that could not be had, in bytes, as exactly as libtorch told it; null where it did not.</summary>
    public long? RequestedBytes { get; }

    /// <summary>What an error of libtorch says about memory; null where it is about something else. For exception filters.</summary>
    internal static DeviceOutOfMemoryException? Of(Exception error)
    {
        var text = error.Message;
        if (CpuText().Match(text) is { Success: true } cpu) return new DeviceOutOfMemoryException("cpu", Bytes(cpu), error);
        if (CudaText().IsMatch(text))
            return new DeviceOutOfMemoryException(GpuText().Match(text) is { Success: true } gpu ? $"cuda:{gpu.Groups[1].ValueSpan}" : "cuda", Bytes(RequestText().Match(text)), error);
        return MpsText().IsMatch(text) ? new DeviceOutOfMemoryException("mps", Bytes(RequestText().Match(text)), error) : null;
    }

    private static long? Bytes(Match match)
    {
        if (!match.Success || !double.TryParse(match.Groups["size"].ValueSpan, NumberStyles.Float, CultureInfo.InvariantCulture, out var size)) return null;
        var bytes = size * (match.Groups["unit"].Value switch { "KiB" or "KB" => 1L << 10, "MiB" or "MB" => 1L << 20, "GiB" or "GB" => 1L << 30, _ => 1 });
        return bytes < long.MaxValue ? (long)bytes : null;
    }

    private static string Text(string device, long? requestedBytes, Exception innerException)
    {
        ArgumentException.ThrowIfNullOrEmpty(device);
        ArgumentNullException.ThrowIfNull(innerException);
        var request = requestedBytes is { } bytes ? string.Create(CultureInfo.InvariantCulture, $": it could not give {bytes} bytes") : "";
        return $"The device {device} is out of memory{request}. A smaller batch, smaller samples or a smaller network takes less. libtorch said: {innerException.Message.Split('\n')[0]}";
    }

    // The texts of libtorch's allocators; there is no other sign.
    [GeneratedRegex(@"DefaultCPUAllocator: (can't allocate memory|not enough memory)(: you tried to allocate (?<size>\d+) bytes)?")]
    private static partial Regex CpuText();

    [GeneratedRegex("CUDA out of memory|CUDA error: out of memory|CUBLAS_STATUS_ALLOC_FAILED|CUDNN_STATUS_ALLOC_FAILED|HIP out of memory")]
    private static partial Regex CudaText();

    [GeneratedRegex("MPS backend out of memory")]
    private static partial Regex MpsText();

    [GeneratedRegex(@"Tried to allocate (?<size>[0-9.]+) (?<unit>bytes|[KMG]i?B)")]
    private static partial Regex RequestText();

    [GeneratedRegex(@"GPU (\d+)")]
    private static partial Regex GpuText();
}
