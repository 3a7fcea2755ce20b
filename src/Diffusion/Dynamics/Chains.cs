namespace Diffusion.Dynamics;

/// <summary>The one loop of the Markov chains: scopes, callbacks and cancellation.</summary>
internal static class Chains
{
    /// <summary>Runs chains.</summary>
    /// <param name="start">Where they start; borrowed.</param>
    /// <param name="steps">Number of steps.</param>
    /// <param name="noise">Checked here, used by the formula.</param>
    /// <param name="formula">The next state, fresh, from the state and the number of steps done.</param>
    /// <param name="onStep">Sees the number of steps done and the state.</param>
    /// <param name="cancellationToken">Looked at before every step.</param>
    public static Tensor Run(Tensor start, int steps, NoiseSource noise, Func<Tensor, int, Tensor> formula, Action<int, Tensor>? onStep, CancellationToken cancellationToken)
    {
        LangevinSettings.CheckStart(start);
        ArgumentOutOfRangeException.ThrowIfNegative(steps);
        ArgumentNullException.ThrowIfNull(noise);
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var x = start.alias();
        for (var i = 0; i < steps; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var step = NewDisposeScope();
            var next = formula(x, i).MoveToOuterDisposeScope();
            x.Dispose();
            x = next;
            onStep?.Invoke(i + 1, x);
        }

        return x.MoveToOuterDisposeScope();
    }
}
