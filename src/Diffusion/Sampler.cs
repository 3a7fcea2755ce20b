using System.Runtime.InteropServices;

namespace Diffusion;

/// <summary>
/// Walks a state along a time grid, asking a denoiser at each step; the last estimate is the answer. Holds settings only: immutable,
/// thread-safe, and reusable by many threads at once.
/// </summary>
/// <remarks>To add a sampler, override <see cref="Step"/> with its formula. Everything else is done by the one loop.</remarks>
public abstract class Sampler
{
    /// <summary>How many earlier steps the formula looks back at.</summary>
    protected internal virtual int HistoryLength => 0;

    /// <summary>The formula: the state at <c>step.To</c> from the state at <c>step.From</c>.</summary>
    /// <param name="step">What the formula may use.</param>
    /// <param name="x">The state; borrowed.</param>
    /// <returns>A fresh state. Intermediate tensors are freed by the caller.</returns>
    protected abstract Tensor Step(SamplerStep step, Tensor x);

    /// <summary>The step to clean data (σ = 0): the estimate. Overridden only by methods whose published last step differs.</summary>
    /// <inheritdoc cref="Step"/>
    protected virtual Tensor Finish(SamplerStep step, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(step);
        return step.Denoise(x).Mix(x, step.From, step.To.Alpha, 0);
    }

    /// <summary>The whole run: one step after the other. Overridden by methods that choose their own steps.</summary>
    /// <param name="run">The run.</param>
    /// <param name="x">The state to start from; borrowed.</param>
    /// <returns>The final state.</returns>
    protected virtual Tensor Run(SamplerRun run, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(run);
        foreach (var step in run.Grid) x = run.Step(this, step, x);
        return x;
    }

    /// <summary>Draws samples.</summary>
    /// <param name="denoiser">What estimates the data.</param>
    /// <param name="start">The state at the grid's first level [batch, …]; borrowed. <see cref="NoiseSchedule.DrawPrior"/> makes one.</param>
    /// <param name="grid">The steps, on the denoiser's schedule.</param>
    /// <param name="noise">Where random numbers come from; deterministic samplers draw none.</param>
    /// <param name="hooks">What to do between steps.</param>
    /// <param name="cancellationToken">Looked at before every step.</param>
    /// <returns>The final state, a fresh tensor in the caller's scope, of the type and device of <paramref name="start"/>.</returns>
    /// <exception cref="ArgumentException">The start has no batch axis, is not floating, or the grid belongs to another schedule.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    /// <exception cref="DeviceOutOfMemoryException">The device has not enough memory.</exception>
    public Tensor Sample(IDenoiser denoiser, Tensor start, TimeGrid grid, NoiseSource noise, SamplingHooks? hooks = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(denoiser);
        ArgumentNullException.ThrowIfNull(start);
        ArgumentNullException.ThrowIfNull(grid);
        ArgumentNullException.ThrowIfNull(noise);
        if (start.dim() < 1 || !start.is_floating_point())
            throw new ArgumentException($"start is {start.dtype} of shape [{string.Join(", ", start.shape)}]; a floating tensor [batch, …] is needed.", nameof(start));
        CheckSchedule(denoiser.Schedule, grid);

        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var fresh = denoiser.BeginRun();
        var run = new SamplerRun(fresh, grid, noise, hooks, HistoryLength, cancellationToken) { Total = grid.Count };
        try
        {
            var end = Run(run, start);
            return ReferenceEquals(end, start) ? start.alias().MoveToOuterDisposeScope() : end.MoveToOuterDisposeScope();
        }
        catch (ExternalException error) when (DeviceOutOfMemoryException.Of(error) is { } memory)
        {
            throw memory;
        }
        finally
        {
            run.Release();
            if (!ReferenceEquals(fresh, denoiser)) (fresh as IDisposable)?.Dispose();
        }
    }

    internal Tensor Take(SamplerStep step, Tensor x) => step.To.IsClean ? Finish(step, x) : Step(step, x);

    // A grid made from another schedule would silently ask at the wrong levels.
    private static void CheckSchedule(NoiseSchedule schedule, TimeGrid grid)
    {
        if (ReferenceEquals(schedule, grid.Schedule)) return;
        foreach (var (at, _) in grid)
        {
            if (double.IsNaN(at.Level.Time)) continue;
            var expected = schedule.At(at.Level.Time);
            if (Math.Abs(expected.Alpha - at.Level.Alpha) > 1e-9 * Math.Max(1, expected.Alpha) || Math.Abs(expected.Sigma - at.Level.Sigma) > 1e-9 * Math.Max(1, expected.Sigma))
                throw new ArgumentException(
                    $"The grid belongs to another schedule ({grid.Schedule.GetType().Name}) than the denoiser ({schedule.GetType().Name}): at t = {at.Level.Time:g6} it has "
                    + $"α = {at.Level.Alpha:g6}, σ = {at.Level.Sigma:g6}, the denoiser's schedule α = {expected.Alpha:g6}, σ = {expected.Sigma:g6}. Make the grid from denoiser.Schedule.", nameof(grid));
        }
    }
}
