namespace Diffusion;

/// <summary>
/// Estimates the data in a noisy state: the one thing that samplers consume and guidance decorates. A wrapper forwards what it
/// does not change. Implementations are safe to share between threads.
/// </summary>
public interface IDenoiser
{
    /// <summary>The schedule of the states it understands.</summary>
    NoiseSchedule Schedule { get; }

    /// <summary>The estimate at a state. Differentiable in x whenever gradients are enabled: nothing is detached or changed in place.</summary>
    /// <param name="x">The state [batch, …]; borrowed.</param>
    /// <param name="at">Its noise level.</param>
    /// <returns>A fresh estimate; its tensors belong to the caller's scope.</returns>
    Estimate Denoise(Tensor x, NoisePoint at);

    /// <summary>
    /// The denoiser of one run. One that has state of a run (momentum, caches) returns a fresh one, which the sampler disposes of when
    /// it is <see cref="IDisposable"/>; every other returns itself.
    /// </summary>
    IDenoiser BeginRun() => this;
}
