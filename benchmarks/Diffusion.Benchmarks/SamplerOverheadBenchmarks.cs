using BenchmarkDotNet.Attributes;
using Diffusion.Tests.Laws;

namespace Diffusion.Benchmarks;

/// <summary>What the sampling loop costs beside its arithmetic, for one sampler of each kind; the command <c>sampler-overhead</c> measures all of them.</summary>
public class SamplerOverheadBenchmarks
{
    private OverheadCase _case = null!;

    [Params("DDIM", "Heun", "DPM++ 2M", "DPM++ 2M SDE", "UniPC 3", "DPM-Solver 3 singlestep")]
    public string Kind { get; set; } = "";

    [Params("1x4x64x64", "16x3x32x32", "16x4x128x128")]
    public string Shape { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        set_num_threads(1);
        _case = new OverheadCase(SamplerCatalogue.All.Single(entry => entry.Name == Kind), Array.ConvertAll(Shape.Split('x'), long.Parse), 50);
    }

    [GlobalCleanup]
    public void Cleanup() => _case.Dispose();

    [Benchmark(Baseline = true)]
    public void Bare() => _case.Bare();

    [Benchmark]
    public void Sampler() => _case.Sampler();
}
