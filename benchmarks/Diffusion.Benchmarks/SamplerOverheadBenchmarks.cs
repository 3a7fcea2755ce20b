using BenchmarkDotNet.Attributes;
using Diffusion.Samplers;
using Diffusion.Schedules;

namespace Diffusion.Benchmarks;

/// <summary>What the sampling loop costs beside its arithmetic: 50 DDIM steps with a denoiser that does nothing, and the same folded tensor operations issued bare.</summary>
public class SamplerOverheadBenchmarks
{
    private const int Steps = 50;

    private readonly Identity _denoiser = new();
    private readonly DdimSampler _sampler = new();
    private TimeGrid _grid = null!;
    private NoiseSource _noise = null!;
    private Tensor _start = null!;

    [Params("1x4x64x64", "16x3x32x32", "16x4x128x128")]
    public string Shape { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        set_num_threads(1);
        _grid = TimeGrid.Uniform(_denoiser.Schedule, Steps);
        _noise = NoiseSource.FromSeed(0);
        _start = _noise.Next(Array.ConvertAll(Shape.Split('x'), long.Parse), ScalarType.Float32, CPU);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _start.Dispose();
        _noise.Dispose();
    }

    [Benchmark(Baseline = true)]
    public void Bare()
    {
        using var gradients = no_grad();
        var x = _start.alias();
        foreach (var (at, to) in _grid)
        {
            // x' = α'·x̂₀ + σ'·(x − αx̂₀)/σ with x̂₀ = x, as two folded products.
            using var data = x.alias();
            var ratio = to.Sigma / at.Level.Sigma;
            var next = to.IsClean ? data.alias() : data.mul(to.Alpha - ratio * at.Level.Alpha).add_(x, alpha: ratio);
            x.Dispose();
            x = next;
        }

        x.Dispose();
    }

    [Benchmark]
    public void Sampler()
    {
        using var _ = _sampler.Sample(_denoiser, _start, _grid, _noise);
    }

    private sealed class Identity : IDenoiser
    {
        public NoiseSchedule Schedule { get; } = new VariancePreservingSchedule();

        public Estimate Denoise(Tensor x, NoisePoint at) => new(x.alias());
    }
}
