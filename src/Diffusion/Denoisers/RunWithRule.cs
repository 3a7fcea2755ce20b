namespace Diffusion.Denoisers;

/// <summary>The run of a denoiser together with the run of its guidance rule; ends both.</summary>
internal sealed class RunWithRule(IDenoiser run, GuidanceRule rule) : IDenoiser, IDisposable
{
    public NoiseSchedule Schedule => run.Schedule;

    public Estimate Denoise(Tensor x, NoisePoint at) => run.Denoise(x, at);

    public void Dispose()
    {
        (run as IDisposable)?.Dispose();
        (rule as IDisposable)?.Dispose();
    }
}
