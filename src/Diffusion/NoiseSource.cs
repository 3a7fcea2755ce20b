namespace Diffusion;

/// <summary>
/// The random numbers of one run or one training: standard normal tensors for the state, uniform numbers on the host for
/// times. Owns native memory; not thread-safe, so one a run.
/// </summary>
/// <remarks>Numbers are drawn on the CPU and then moved, so that a seed gives the same noise on every device.</remarks>
public abstract class NoiseSource : IDisposable
{
    /// <summary>A source that depends on nothing but a seed.</summary>
    /// <exception cref="InvalidOperationException">The application brought no libtorch; the message names the packages to add.</exception>
    public static NoiseSource FromSeed(long seed) => new SeededNoise(seed);

    /// <summary>One stream a sample, so that sample k of a batch does not depend on the rest of the batch.</summary>
    /// <param name="seeds">One seed a sample; the batch must have as many samples.</param>
    /// <exception cref="ArgumentException">No seed was given.</exception>
    public static NoiseSource PerSample(params ReadOnlySpan<long> seeds) => new PerSampleNoise(seeds);

    /// <summary>
    /// Noise from one Brownian path, whose clock is the signal-to-noise ratio: a step between two levels gets the same part of the path whatever the number of steps, so
    /// that samplers of the reverse equation converge to one limit. (Li et al. 2020, "virtual Brownian tree")
    /// </summary>
    /// <param name="seed">The path.</param>
    /// <remarks>For runs that go down once. Methods that visit a stretch again (resampling, restarts) would meet the same noise there: give them <see cref="FromSeed"/>.</remarks>
    public static NoiseSource Brownian(long seed) => new BrownianNoise(FromSeed, seed);

    /// <summary>The same with a path of its own for each sample, which does not depend on the rest of the batch.</summary>
    /// <param name="seeds">One seed a sample; the batch must have as many samples.</param>
    /// <exception cref="ArgumentException">No seed was given.</exception>
    public static NoiseSource BrownianPerSample(params ReadOnlySpan<long> seeds)
    {
        if (seeds.IsEmpty) throw new ArgumentException("No seed was given; one a sample is needed.", nameof(seeds));
        var all = seeds.ToArray();
        return new BrownianNoise(node => new PerSampleNoise(Array.ConvertAll(all, seed => HostRandom.Derive(seed, node))), 0);
    }

    /// <summary>Standard normal numbers of a shape, type and device; a fresh tensor in the caller's scope.</summary>
    public abstract Tensor Next(ReadOnlySpan<long> shape, ScalarType dtype, Device device);

    /// <summary>A uniform number in [0, 1) on the host.</summary>
    public abstract double NextDouble();

    /// <summary>Standard normal numbers of the shape, type and device of a tensor, which samplers let be the state; a fresh tensor in the caller's scope.</summary>
    public virtual Tensor NextLike(Tensor like)
    {
        ArgumentNullException.ThrowIfNull(like);
        return Next(like.shape, like.dtype, like.device);
    }

    /// <summary>
    /// The standard normal noise of a step between two levels. A Brownian source answers consistently for overlapping steps; any
    /// other draws afresh.
    /// </summary>
    public virtual Tensor Between(Tensor like, NoiseLevel from, NoiseLevel to) => NextLike(like);

    /// <summary>
    /// Drawn numbers in the type and on the device that were asked for. To a GPU they go by way of pinned memory, behind the work that is queued there: an ordinary copy
    /// would wait for all of it, at every step of a sampler with noise.
    /// </summary>
    /// <param name="drawn">On the CPU; borrowed.</param>
    /// <param name="dtype">The type.</param>
    /// <param name="device">The device.</param>
    /// <returns>A fresh tensor in the caller's scope.</returns>
    internal static Tensor Deliver(Tensor drawn, ScalarType dtype, Device device)
    {
        using var scope = NewDisposeScope();
        var typed = drawn.dtype == dtype ? drawn.alias() : drawn.to(dtype);
        var there = device.type switch
        {
            DeviceType.CPU => typed,
            DeviceType.CUDA => typed.pin_memory().to(device, copy: true, non_blocking: true),
            _ => typed.to(device),
        };
        return there.MoveToOuterDisposeScope();
    }

    /// <summary>Frees the generators.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees the generators.</summary>
    /// <param name="disposing">Whether managed members may be disposed of.</param>
    protected virtual void Dispose(bool disposing)
    {
    }
}
