using BenchmarkDotNet.Attributes;

namespace Diffusion.Benchmarks;

/// <summary>Forward pass, forward and backward pass, and whole step of both networks. For ratios that do not drift with the machine: the command <c>training</c>.</summary>
public class TrainingBenchmarks
{
    private TrainingCases _cases = null!;

    [ParamsAllValues]
    public BenchmarkNetwork Network { get; set; }

    [ParamsAllValues]
    public ComputePrecision Precision { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        set_num_threads(2);
        _cases = new TrainingCases(new BenchmarkOptions(Network, CPU, 7));
    }

    [GlobalCleanup]
    public void Cleanup() => _cases.Dispose();

    [Benchmark]
    public void PlainForward() => _cases.PlainForward();

    [Benchmark]
    public void Forward() => _cases.Forward(Precision);

    [Benchmark]
    public void PlainForwardBackward() => _cases.PlainForwardBackward();

    [Benchmark]
    public void ForwardBackward() => _cases.ForwardBackward(Precision);

    [Benchmark]
    public void PlainStep() => _cases.PlainStep();

    [Benchmark]
    public void Step() => _cases.Step(Precision);
}
