namespace Diffusion.Tests;

/// <summary>All that a run reports, told at once and in order, which <see cref="Progress{T}"/> does not promise.</summary>
internal sealed class SamplingReports : IProgress<SamplingProgress>
{
    public List<SamplingProgress> All { get; } = [];

    public Action? OnReport { get; init; }

    public void Report(SamplingProgress value)
    {
        All.Add(value);
        OnReport?.Invoke();
    }
}
