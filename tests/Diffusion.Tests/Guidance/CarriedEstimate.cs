namespace Diffusion.Tests.Guidance;

/// <summary>Estimates the same numbers everywhere: data, and noise and variance where they are given.</summary>
internal sealed class CarriedEstimate(NoiseSchedule schedule, double data, double? noise = null, double? variance = null) : IDenoiser
{
    public NoiseSchedule Schedule => schedule;

    public Estimate Denoise(Tensor x, NoisePoint at) => new(full_like(x, data), Filled(x, noise), Filled(x, variance));

    private static Tensor? Filled(Tensor x, double? value) => value is { } number ? full_like(x, number) : null;
}
