namespace Diffusion;

/// <summary>What a caller does between the steps of a run. All hooks run synchronously on the sampling thread.</summary>
public sealed class SamplingHooks
{
    /// <summary>Told after every step.</summary>
    public IProgress<SamplingProgress>? Progress { get; init; }

    /// <summary>Sees the step, the state after it and the step's estimate (its first one unless the formula reports another; null where it made none). All are borrowed, and
    /// tensors that the hook makes are freed after the step: keep a result by <c>.DetachFromDisposeScope()</c>, and then dispose of it yourself.</summary>
    public Action<SamplerStep, Tensor, Estimate?>? OnStep { get; init; }

    /// <summary>Changes the state after a step (replacement inpainting, guidance after the step). Borrows its argument and returns a fresh tensor.</summary>
    public Func<SamplerStep, Tensor, Tensor>? AfterStep { get; init; }
}
