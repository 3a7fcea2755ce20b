namespace Diffusion;

/// <summary>
/// A denoiser that changes what other denoisers answer (guidance, clamping, inpainting, …). Borrows them. The base class hands the
/// beginning and the end of a run on to them.
/// </summary>
public abstract class DenoiserDecorator : IDenoiser
{
    private readonly IDenoiser[] _inner;

    /// <summary>Decorates denoisers that share a schedule.</summary>
    /// <param name="inner">At least one; the first one's schedule is the decorator's.</param>
    /// <exception cref="ArgumentException">None was given, or their schedules differ.</exception>
    protected DenoiserDecorator(params ReadOnlySpan<IDenoiser> inner)
    {
        if (inner.IsEmpty) throw new ArgumentException("A decorator needs a denoiser to decorate.", nameof(inner));
        foreach (var denoiser in inner) ArgumentNullException.ThrowIfNull(denoiser, nameof(inner));
        for (var i = 1; i < inner.Length; i++) CheckSame(inner[0].Schedule, inner[i].Schedule);
        _inner = inner.ToArray();
    }

    /// <summary>What is decorated.</summary>
    protected IReadOnlyList<IDenoiser> Inner => _inner;

    /// <inheritdoc/>
    public virtual NoiseSchedule Schedule => _inner[0].Schedule;

    /// <inheritdoc/>
    public abstract Estimate Denoise(Tensor x, NoisePoint at);

    /// <summary>The same settings around other denoisers.</summary>
    /// <param name="inner">As many as <see cref="Inner"/>.</param>
    protected abstract IDenoiser Around(IReadOnlyList<IDenoiser> inner);

    /// <summary>Begins a run of every inner denoiser. A decorator with state of its own overrides this and returns a fresh one.</summary>
    public virtual IDenoiser BeginRun()
    {
        var fresh = Array.ConvertAll(_inner, inner => inner.BeginRun());
        return fresh.SequenceEqual(_inner, ReferenceEqualityComparer.Instance) ? this : new RunOf(Around(fresh), fresh);
    }

    // States of another schedule mean something else; schedules are the same where their levels are.
    private static void CheckSame(NoiseSchedule first, NoiseSchedule other)
    {
        if (ReferenceEquals(first, other)) return;
        foreach (var time in new[] { 0.25, 0.5, 1 })
        {
            var (a, b) = (first.At(time), other.At(time));
            if (Math.Abs(a.Alpha - b.Alpha) > 1e-9 * Math.Max(1, a.Alpha) || Math.Abs(a.Sigma - b.Sigma) > 1e-9 * Math.Max(1, a.Sigma))
                throw new ArgumentException(
                    $"The denoisers are of different schedules ({first.GetType().Name} and {other.GetType().Name}): at t = {time} one has α = {a.Alpha:g6}, σ = {a.Sigma:g6}, the other α = {b.Alpha:g6}, "
                    + $"σ = {b.Sigma:g6}. Bring one to the other's by RescheduledDenoiser.");
        }
    }

    private sealed class RunOf(IDenoiser denoiser, IDenoiser[] owned) : IDenoiser, IDisposable
    {
        public NoiseSchedule Schedule => denoiser.Schedule;

        public Estimate Denoise(Tensor x, NoisePoint at) => denoiser.Denoise(x, at);

        public void Dispose()
        {
            foreach (var inner in owned) (inner as IDisposable)?.Dispose();
        }
    }
}
