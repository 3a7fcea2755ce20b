using Diffusion.Networks;

namespace Diffusion.Benchmarks;

/// <summary>Which network is measured: the two that the targets are stated for.</summary>
public enum BenchmarkNetwork
{
    /// <summary>google/ddpm-cifar10-32, 35.7 million parameters; batches of 8.</summary>
    Cifar10,

    /// <summary>The same at half the width, 9 million parameters; batches of 16.</summary>
    Small,
}

/// <summary>What is measured, on what, how often.</summary>
public sealed record BenchmarkOptions(BenchmarkNetwork Network, Device Device, int Iterations, string? Only = null)
{
    public UNetConfig Config
    {
        get
        {
            var width = Network == BenchmarkNetwork.Cifar10 ? 128 : 64;
            return new UNetConfig
            {
                SampleSize = (32, 32),
                BlockOutChannels = [width, 2 * width, 2 * width, 2 * width],
                DownBlockTypes = [UNetBlockType.Plain, UNetBlockType.Attention, UNetBlockType.Plain, UNetBlockType.Plain],
                UpBlockTypes = [UNetBlockType.Plain, UNetBlockType.Plain, UNetBlockType.Attention, UNetBlockType.Plain],
                AttentionHeadDim = null,
                DownsamplePadding = 0,
                FlipSinToCos = false,
                FreqShift = 1,
                NormEps = 1e-6,
            };
        }
    }

    public long Batch => Network == BenchmarkNetwork.Cifar10 ? 8 : 16;

    /// <summary>Waits for the device.</summary>
    public void Wait()
    {
        if (Device.type == DeviceType.CUDA) cuda.synchronize(Device);
    }
}
