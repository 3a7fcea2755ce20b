namespace Diffusion;

/// <summary>What a step left for the next ones: where it was, the state before it, its first estimate, and what it kept. Owned by the run.</summary>
public sealed class StepRecord
{
    internal StepRecord(NoisePoint at, Tensor state, Estimate estimate, Tensor? kept)
    {
        static Tensor Keep(Tensor t) => t.alias().DetachFromDisposeScope();
        At = at;
        State = Keep(state);
        Estimate = new Estimate(Keep(estimate.Data), estimate.Noise is null ? null : Keep(estimate.Noise));
        Kept = kept is null ? null : Keep(kept);
    }

    /// <summary>Where the step asked first.</summary>
    public NoisePoint At { get; }

    /// <summary>The level that the step started from.</summary>
    public NoiseLevel Level => At.Level;

    /// <summary>The state that the estimate was made from.</summary>
    public Tensor State { get; }

    /// <summary>The step's first estimate.</summary>
    public Estimate Estimate { get; }

    /// <summary>What the formula kept with <see cref="SamplerStep.Keep"/>; null where it kept nothing.</summary>
    public Tensor? Kept { get; }

    internal void Release()
    {
        Kept?.Dispose();
        State.Dispose();
        Estimate.Data.Dispose();
        Estimate.Noise?.Dispose();
    }
}
