using Diffusion.Samplers;
using Xunit;

namespace Diffusion.Tests.Laws;

/// <summary>What samplers cost beside their arithmetic: memory that does not grow with the steps, and no wait for a device. (Their time is measured by the benchmarks.)</summary>
public class SamplerCostTests
{
    public static TheoryData<string> Samplers => SamplerCatalogue.Names();

    public static TheoryData<string> WithoutErrors => SamplerCatalogue.Names(entry => !IsAdaptive(entry));

    public static TheoryData<string> WithErrors => SamplerCatalogue.Names(IsAdaptive);

    [Theory, MemberData(nameof(Samplers))]
    public void TensorsAliveDoNotGrowWithTheSteps(string sampler)
    {
        using var scope = NewDisposeScope();
        var (early, late) = (0L, 0L);
        var hooks = new SamplingHooks
        {
            OnStep = (step, _, _) =>
            {
                if (step.Index == 8) early = LiveTensors.Count();
                late = step.Index > 8 && step.To.NoiseToSignal < 1 && late == 0 ? LiveTensors.Count() : late;
            },
        };
        Run(sampler, 60, CPU, hooks);
        Assert.NotEqual(0, early);
        Assert.InRange(late, early - 2, early + 2); // a refused trial holds its estimate for the next
    }

    [Theory, MemberData(nameof(WithoutErrors))]
    public void ManagedMemoryOfAStepDoesNotGrowWithTheSteps(string sampler)
    {
        using var scope = NewDisposeScope();
        Run(sampler, 40, CPU);
        long Allocated(int steps)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Run(sampler, steps, CPU);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        var (some, more, most) = (Allocated(40), Allocated(80), Allocated(160));
        var (first, second) = ((more - some) / 40.0, (most - more) / 80.0);
        Assert.True(second < 1.05 * first, $"{first:f0} bytes a step up to 80 steps, {second:f0} up to 160");
        Assert.True(second < 16_384, $"{second:f0} bytes a step");
    }

    [Theory, MemberData(nameof(WithoutErrors))]
    public void NothingIsReadFromTheDevice(string sampler)
    {
        // A tensor of the meta device has no numbers: reading one, which is what a wait is for, throws.
        using var scope = NewDisposeScope();
        Run(sampler, 6, new Device(DeviceType.META));
    }

    [Theory, MemberData(nameof(WithErrors))]
    public void ASolverThatMeasuresItsErrorReadsIt(string sampler)
    {
        // Shows that the test above can fail.
        using var scope = NewDisposeScope();
        Assert.ThrowsAny<Exception>(() => Run(sampler, 6, new Device(DeviceType.META)));
    }

    private static bool IsAdaptive(CatalogueEntry entry) => entry is { OwnSteps: true, Affine: false };

    private static void Run(string name, int steps, Device device, SamplingHooks? hooks = null)
    {
        var schedule = LawSchedules.Of("vp");
        // More steps for the solvers that choose them.
        Sampler sampler = name switch
        {
            "DPM adaptive 12" => new DpmAdaptiveSampler(2, new AdaptiveSettings(1e-4, 1e-4)),
            "DPM adaptive 23" => new DpmAdaptiveSampler(3, new AdaptiveSettings(1e-4, 1e-4)),
            "DPM adaptive 23 ancestral" => new DpmAdaptiveSampler(3, new AdaptiveSettings(1e-4, 1e-4), eta: 1),
            _ => SamplerCatalogue.Of(name).Make(steps),
        };
        using var start = zeros(2, 3, dtype: float64, device: device);
        using var noise = new Zeros();
        sampler.Sample(new Curve(schedule), start, LawGrids.Of(schedule, steps), noise, hooks).Dispose();
    }

    // An estimate that is no straight line, so that adaptive solvers take many steps.
    private sealed class Curve(NoiseSchedule schedule) : IDenoiser
    {
        public NoiseSchedule Schedule => schedule;

        public Estimate Denoise(Tensor x, NoisePoint at)
        {
            using var scope = NewDisposeScope();
            return new Estimate(x.div(at.Level.Alpha + at.Level.Sigma).add(0.5).tanh().MoveToOuterDisposeScope());
        }
    }

    private sealed class Zeros : NoiseSource
    {
        public override Tensor Next(ReadOnlySpan<long> shape, ScalarType dtype, Device device) => zeros(shape.ToArray(), dtype, device);

        public override double NextDouble() => 0;
    }
}
