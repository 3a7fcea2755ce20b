namespace Diffusion.Tests.Guidance;

/// <summary>Estimates the state itself and counts how often it is asked.</summary>
internal sealed class CountingDenoiser(NoiseSchedule schedule) : IDenoiser
{
    public int Calls { get; private set; }

    public NoiseSchedule Schedule => schedule;

    public Estimate Denoise(Tensor x, NoisePoint at)
    {
        Calls++;
        return new Estimate(x.clone());
    }
}
