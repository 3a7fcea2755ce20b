namespace Diffusion.Integration;

/// <summary>
/// Integrates dy/ds = f(s, y) with steps as long as a tolerance allows. Settings only: immutable and thread-safe. Runs in both directions of s.
/// </summary>
/// <remarks>Each trial step waits for the device once, and the choice of the first step twice.</remarks>
public sealed class AdaptiveIntegrator
{
    /// <summary>A method and a tolerance.</summary>
    /// <param name="method">A method that estimates its error and whose last evaluation is the next step's first; Dormand and Prince's if null.</param>
    /// <param name="tolerance">The tolerance; 1e-5 relative and absolute if null.</param>
    /// <exception cref="ArgumentException">The method does not estimate its error.</exception>
    public AdaptiveIntegrator(RungeKutta? method = null, ErrorTolerance? tolerance = null)
    {
        Method = method ?? RungeKutta.DormandPrince;
        Tolerance = tolerance ?? new ErrorTolerance();
        if (!Method.EstimatesError)
            throw new ArgumentException($"{Method} does not estimate its error; adaptive integration needs {RungeKutta.DormandPrince} or {RungeKutta.BogackiShampine}.", nameof(method));
    }

    /// <summary>The method.</summary>
    public RungeKutta Method { get; }

    /// <summary>The tolerance.</summary>
    public ErrorTolerance Tolerance { get; }

    /// <summary>Integrates.</summary>
    /// <param name="slope">f(s, y): borrows y, returns a fresh tensor of its shape.</param>
    /// <param name="state">y at the start; borrowed.</param>
    /// <param name="from">s at the start.</param>
    /// <param name="to">s at the end; less than at the start to run backwards.</param>
    /// <param name="onStep">Sees s and y, borrowed, after every step that stands; null for none.</param>
    /// <param name="cancellationToken">Looked at before every trial step.</param>
    /// <returns>y at the end; a fresh tensor in the caller's scope. Differentiable where gradients are enabled.</returns>
    /// <exception cref="ArgumentException">A time is not finite.</exception>
    /// <exception cref="InvalidOperationException">The slope is not finite, or no steps meet the tolerance.</exception>
    /// <exception cref="OperationCanceledException">The integration was cancelled.</exception>
    public Tensor Integrate(Func<double, Tensor, Tensor> slope, Tensor state, double from, double to, Action<double, Tensor>? onStep = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(slope);
        ArgumentNullException.ThrowIfNull(state);
        if (!double.IsFinite(from) || !double.IsFinite(to)) throw new ArgumentException($"The integration runs from {from} to {to}; finite numbers are needed.", nameof(to));
        if (from == to) return state.alias();
        var steps = Begin(from, to);
        using var whole = NewDisposeScope();
        var (y, k) = (state, slope(from, state));
        while (!steps.Done)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            if (steps.NeedsLength) steps.ChooseLength(slope, y, k);
            if (steps.Try(slope, y, k) is not { } next) continue;
            next.State.MoveToOuterDisposeScope();
            next.Last.MoveToOuterDisposeScope();
            if (!ReferenceEquals(y, state)) y.Dispose();
            k.Dispose();
            (y, k) = next;
            onStep?.Invoke(steps.Time, y);
        }

        return y.MoveToOuterDisposeScope();
    }

    internal AdaptiveSteps Begin(double from, double to) => new(Method, Tolerance, from, to);
}
