using System.Runtime.InteropServices;
using Diffusion.Data;

namespace Diffusion.Training;

/// <summary>
/// Finds out where in a step a number ceased to be finite, by taking the step again: its batch, noise and dropout follow from (seed, step, position), and
/// it has changed no weights. Steps that are healthy cost nothing.
/// </summary>
internal static class FailureReplay
{
    /// <summary>Explains a step. The gradients are those of the replay afterwards; the loader stands where it stood.</summary>
    public static NonFiniteStep Explain(TrainingRun run, long step, LoaderPosition position, double loss, double norm)
    {
        var before = run.Loader.Position;
        var replayed = new List<double>();
        var data = true;
        using var watch = new OutputWatch(run);
        try
        {
            run.Loader.Position = position;
            run.Gradients(step, batch => data &= IsFinite(batch.Data), (terms, _) => replayed.Add(terms.Loss.to(float64).item<double>()));
        }
        catch (Exception error) when (error is InvalidOperationException or ArgumentException or IOException or InvalidDataException or ExternalException)
        {
            return Step(null, null, $"Taking the step again to find the module failed: {error.Message}");
        }
        finally
        {
            run.Loader.Position = before;
        }

        if (watch.First is { } module)
            return Step(module.Name, null, $"The first output that is not finite is that of '{module.Name}' ({module.Type}), "
                + (module.InputWasFinite ? "whose input is finite." : data ? "whose input is not finite either." : "and the batch is not finite either."));
        if (!data) return Step(null, null, "The batch holds numbers that are not finite.");
        if (!replayed.TrueForAll(double.IsFinite)) return Step(null, null, "Every module's output is finite; the loss that is computed from them is not.");
        var broken = run.Parameters.Where(p => p.Value.grad is { } gradient && !Check(gradient)).Select(p => p.Name).ToArray();
        if (broken.Length > 0)
            return Step(null, broken[^1], $"Every output and the loss are finite; the gradient of parameter '{broken[^1]}' is not"
                + (broken.Length > 1 ? $", nor are those of {broken.Length - 1} before it." : "."));
        return double.IsFinite(loss) && Overflows(run)
            ? Step(null, null, "Every output and every gradient is finite; the norm of all gradients overflows.")
            : Step(null, null, "Taken again, the step gives finite numbers: the trouble is not in the weights or the batch, but in a module that remembers earlier calls, or in the machine.");

        NonFiniteStep Step(string? at, string? parameter, string explanation) =>
            new(step, loss, norm, at, parameter, $"the loss is {(double.IsFinite(loss) ? "finite" : loss)}, the norm of its gradient {norm}. {explanation}");
    }

    /// <summary>Whether all numbers of a tensor are finite; waits for the device.</summary>
    internal static bool IsFinite(Tensor tensor)
    {
        if (tensor.numel() == 0 || !tensor.is_floating_point()) return true;
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        return tensor.isfinite().all().item<bool>();
    }

    private static bool Check(Tensor gradient)
    {
        using (gradient) return IsFinite(gradient);
    }

    private static bool Overflows(TrainingRun run)
    {
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var squares = run.Parameters.Select(p => p.Value.grad?.square().sum()).OfType<Tensor>();
        return squares.Any(square => !square.isfinite().item<bool>()) || !squares.Aggregate((a, b) => a + b).isfinite().item<bool>();
    }
}
