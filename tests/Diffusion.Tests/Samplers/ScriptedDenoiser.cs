namespace Diffusion.Tests.Samplers;

/// <summary>A denoiser whose estimate of the data is a given function of the level alone, so that what a solver does with its estimates can be computed by hand.</summary>
internal sealed class ScriptedDenoiser(NoiseSchedule schedule, Func<NoiseLevel, double> data) : IDenoiser
{
    public NoiseSchedule Schedule => schedule;

    public Estimate Denoise(Tensor x, NoisePoint at) => new(full_like(x, data(at.Level)));

    /// <summary>The states of a run, the start first.</summary>
    public static double[] States(Sampler sampler, IDenoiser denoiser, TimeGrid grid, double start, NoiseSource? noise = null)
    {
        using var scope = NewDisposeScope();
        using var source = NoiseSource.FromSeed(0);
        var states = new List<double> { start };
        var hooks = new SamplingHooks { OnStep = (_, x, _) => states.Add(x.item<double>()) };
        sampler.Sample(denoiser, full(1, start, dtype: float64), grid, noise ?? source, hooks);
        return [.. states];
    }

    /// <summary>λ = ln(α/σ).</summary>
    public static double Lambda(NoiseLevel level) => level.LogSnr / 2;
}
