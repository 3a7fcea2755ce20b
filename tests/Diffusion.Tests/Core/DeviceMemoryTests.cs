using System.Runtime.InteropServices;
using Diffusion.Checkpoints;
using Diffusion.Data;
using Diffusion.Pipelines;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Core;

/// <summary>A device that has no memory left says so by an exception of its own, at every door behind which much is asked for.</summary>
public class DeviceMemoryTests
{
    private const long TooMuch = 1L << 50; // bytes: a thousand times what any machine has, and within what libtorch can count

    [Theory]
    [InlineData("[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 1125899906842624 bytes. Error code 12 (Cannot allocate memory)", "cpu", TooMuch)]
    [InlineData("[enforce fail at alloc_cpu.cpp:116] data. DefaultCPUAllocator: not enough memory: you tried to allocate 4096 bytes.", "cpu", 4096L)]
    [InlineData("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 1 has a total capacity of 79.11 GiB of which 10.00 GiB is free. Including non-PyTorch memory", "cuda:1", 20L << 30)]
    [InlineData("CUDA out of memory. Tried to allocate 1.50 MiB (GPU 0; 7.79 GiB total capacity)", "cuda:0", 3L << 19)]
    [InlineData("MPS backend out of memory (MPS allocated: 9.05 GB, other allocations: 2 KB, max allowed: 9.07 GB). Tried to allocate 512 bytes on private pool.", "mps", 512L)]
    public void TheTextsOfLibtorchAreUnderstood(string text, string device, long bytes)
    {
        var error = new InvalidOperationException(text);
        var memory = DeviceOutOfMemoryException.Of(error);
        Assert.NotNull(memory);
        Assert.Equal(device, memory.Device);
        Assert.Equal(bytes, memory.RequestedBytes);
        Assert.Same(error, memory.InnerException);
        Assert.Contains(device, memory.Message, StringComparison.Ordinal);
        Assert.Contains($"{bytes} bytes", memory.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ASizeThatIsNotToldIsNotKnown()
    {
        Assert.Null(DeviceOutOfMemoryException.Of(new InvalidOperationException("CUDA error: out of memory"))!.RequestedBytes);
        Assert.Equal("cuda", DeviceOutOfMemoryException.Of(new InvalidOperationException("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"))!.Device);
    }

    [Theory]
    [InlineData("The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 0")]
    [InlineData("Storage size calculation overflowed with sizes=[4611686018427387904, 8]")]
    public void OtherErrorsAreNotAboutMemory(string text) => Assert.Null(DeviceOutOfMemoryException.Of(new InvalidOperationException(text)));

    [Fact]
    public void SamplingSaysIt()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(1);
        var denoiser = new GreedyDenoiser();
        var before = LiveTensors.Count();
        Check(Assert.Throws<DeviceOutOfMemoryException>(() => new DdimSampler().Sample(denoiser, zeros(1, 2), TimeGrid.Uniform(denoiser.Schedule, 2), noise)));
        Assert.Equal(before + 1, LiveTensors.Count()); // the start, which is this test's
    }

    [Fact]
    public void TrainingSaysItAndChangesNothing()
    {
        using var scope = NewDisposeScope();
        using var data = new TensorDataSet(zeros(4, 2));
        using var loader = new DataLoader(data, 2, new DataLoaderOptions { Prefetch = 0 });
        using var network = new GreedyNetwork();
        using var run = new TrainingRun(network, new DenoisingObjective(new RectifiedFlowSchedule(), Parameterization.Velocity()), loader, new() { Steps = 1 });
        Check(Assert.Throws<DeviceOutOfMemoryException>(() => run.Train()));
        Assert.Equal(0, run.Step);
        Assert.Equal(default, run.Loader.Position);
        network.Greedy = false;
        Assert.Equal(TrainingOutcome.Completed, run.Train()); // nothing is broken
    }

    [Fact]
    public void AModelSaysIt()
    {
        using var model = new DiffusionModel(new GreedyNetwork(), new ModelDescription(new RectifiedFlowSchedule(), Parameterization.Velocity(), 2));
        Check(Assert.Throws<DeviceOutOfMemoryException>(() => model.Sample(1, seed: 1, steps: 1)));
    }

    [Fact]
    public void OtherErrorsStayWhatTheyAre()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(1);
        var denoiser = new GreedyDenoiser { Wrong = true };
        Assert.Throws<ExternalException>(() => new DdimSampler().Sample(denoiser, zeros(1, 2), TimeGrid.Uniform(denoiser.Schedule, 2), noise));
    }

    private static void Check(DeviceOutOfMemoryException error)
    {
        Assert.Equal("cpu", error.Device);
        Assert.Equal(TooMuch, error.RequestedBytes);
        Assert.IsType<ExternalException>(error.InnerException);
    }

    private static Tensor Ask() => empty([TooMuch / sizeof(float)], float32);

    private sealed class GreedyDenoiser : IDenoiser
    {
        public NoiseSchedule Schedule { get; } = new RectifiedFlowSchedule();

        public bool Wrong { get; init; }

        public Estimate Denoise(Tensor x, NoisePoint at) => new(Wrong ? zeros(3).add(zeros(4)) : Ask());
    }

    private sealed class GreedyNetwork : DenoisingNetwork
    {
        private readonly TorchSharp.Modules.Parameter w = nn.Parameter(ones(1));

        public GreedyNetwork() : base("Greedy")
        {
            w.DetachFromDisposeScope();
            RegisterComponents();
        }

        public bool Greedy { get; set; } = true;

        public override Tensor forward(Tensor x, Tensor label, Conditioning? condition) => Greedy ? Ask() : x * w;
    }
}
