using Diffusion.Schedules;
using Diffusion.Tests.Laws;

namespace Diffusion.Benchmarks;

/// <summary>
/// A run of a sampler with a denoiser that answers with the state itself and noise that is ready, so that what is left is the sampler's own work; and the tensor operations of its formula,
/// issued bare. These are weighted sums: as many, and of as many tensors, as the catalogue says; for solvers with norms and errors, <see cref="BareSteps"/> has them by hand.
/// </summary>
internal sealed class OverheadCase : IDisposable
{
    private static readonly NoiseSchedule _schedule = new VariancePreservingSchedule();

    private readonly CatalogueEntry _entry;
    private readonly Sampler _sampler;
    private readonly TimeGrid _grid;
    private readonly Tensor _start;
    private readonly Ready _noise;
    private readonly Identity _denoiser = new(_schedule);
    private readonly Action<BareSteps> _bare;
    private readonly int _earlier;

    public OverheadCase(CatalogueEntry entry, long[] shape, int steps)
    {
        _entry = entry;
        _sampler = entry.Make(steps);
        _grid = LawGrids.Of(_schedule, steps);
        using var noise = NoiseSource.FromSeed(0);
        _start = noise.Next(shape, ScalarType.Float32, CPU).DetachFromDisposeScope();
        _noise = new Ready(_start);
        var byHand = BareSteps.Of(entry.Name);
        (_bare, _earlier) = byHand is null ? (step => step.Sums(_entry.Sums), _entry.Sums.Max() - 2) : (byHand, 4);
        // Solvers that choose their steps, and those that restart, say how many these are.
        var taken = 0;
        using var _ = _sampler.Sample(_denoiser, _start, _grid, _noise, new SamplingHooks { OnStep = (_, _, _) => taken++ });
        Steps = taken;
    }

    /// <summary>Steps of the run.</summary>
    public int Steps { get; }

    public void Sampler()
    {
        using var _ = _sampler.Sample(_denoiser, _start, _grid, _noise);
    }

    public void Bare()
    {
        using var gradients = no_grad();
        using var steps = new BareSteps(_start, _noise, _earlier);
        for (var i = 0; i < Steps; i++) _bare(steps);
    }

    public void Dispose()
    {
        _start.Dispose();
        _noise.Dispose();
    }

    private sealed class Identity(NoiseSchedule schedule) : IDenoiser
    {
        public NoiseSchedule Schedule => schedule;

        public Estimate Denoise(Tensor x, NoisePoint at) => new(x.alias());
    }

    // Drawing random numbers costs the same either way, and far more than anything else here.
    private sealed class Ready(Tensor numbers) : NoiseSource
    {
        public override Tensor Next(ReadOnlySpan<long> shape, ScalarType dtype, Device device) => numbers.alias();

        public override double NextDouble() => 0.5;
    }
}
