using System.Text.Json;
using Diffusion.Checkpoints.Schedulers;

namespace Diffusion.Parity;

/// <summary>A run as the loop of the recordings sees it: one iteration a model call, or a step of the grid where the loop has steps of several calls.</summary>
internal sealed class Trace
{
    private readonly SchedulerPlan _plan;
    private readonly TimeGrid _grid;

    private Trace(SchedulerPlan plan, TimeGrid grid, IReadOnlyList<double> labels, IReadOnlyList<NoiseLevel> levels, IReadOnlyList<Tensor> after, IReadOnlyList<Tensor> estimates)
    {
        _plan = plan;
        _grid = grid;
        Labels = labels;
        Levels = levels;
        After = after;
        Estimates = estimates;
    }

    /// <summary>What the model was told, call by call.</summary>
    public IReadOnlyList<double> Labels { get; }

    /// <summary>The levels of the states that it was given.</summary>
    public IReadOnlyList<NoiseLevel> Levels { get; }

    /// <summary>The state after each iteration: the one that the next call got, and the last.</summary>
    public IReadOnlyList<Tensor> After { get; }

    /// <summary>The estimate of the data of each iteration.</summary>
    public IReadOnlyList<Tensor> Estimates { get; }

    /// <summary>Runs a plan. The tensors of the trace belong to the caller's scope.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="grid">The grid.</param>
    /// <param name="network">The model.</param>
    /// <param name="start">Where it starts.</param>
    /// <param name="noise">The recorded draws.</param>
    /// <param name="iterations">The iteration of each draw.</param>
    /// <param name="wholeSteps">Whether an iteration is a step of the grid, however many calls it makes.</param>
    public static Trace Of(SchedulerPlan plan, TimeGrid grid, ToyNetwork network, Tensor start, Tensor? noise, double[]? iterations, bool wholeSteps = false)
    {
        var ends = new List<Tensor>();
        var recorder = new Recorder(plan.Bind(network));
        try
        {
            using var source = new RecordedNoise(noise, iterations, wholeSteps ? () => ends.Count : () => recorder.Levels.Count - 1);
            var end = plan.Sampler.Sample(recorder, start, grid, source, new SamplingHooks
            {
                OnStep = (_, state, estimate) =>
                {
                    recorder.EndStep(estimate);
                    ends.Add(state.clone().DetachFromDisposeScope());
                },
            });
            Tensor[] after = wholeSteps ? [.. ends.Select(t => t.alias())] : [.. recorder.States.Skip(1).Select(t => t.alias()), end];
            Tensor[] estimates = [.. recorder.Data.Select(t => t.alias())];
            return new Trace(plan, grid, [.. network.Labels], [.. recorder.Levels], after, estimates);
        }
        finally
        {
            recorder.Clear();
            foreach (var state in ends) state.Dispose();
        }
    }

    /// <summary>Compares timesteps and σ.</summary>
    public void CompareLevels(RecordedTensors tensors, JsonElement settings, Comparison comparison)
    {
        if (tensors.Has("schedule")) comparison.Numbers("schedule", [.. _grid.Reverse().Select(step => step.At.Level.Sigma)], tensors.Numbers("schedule"), Tolerances.Sigma);
        else if (tensors.Has("means")) comparison.Numbers("times", [.. _grid.Select(step => step.At.Level.Time)], tensors.Numbers("timesteps"), time => 1e-6 * time);
        else CompareTimesteps(tensors.Numbers("timesteps"), tensors.IsInteger("timesteps"), DerivedFromSigmas(tensors, settings), comparison);
        if (!tensors.Has("sigmas")) return;
        // Lists of two-call classes hold each level twice, and some end with levels that no step visits.
        var recorded = Distinct(tensors.Numbers("sigmas"));
        var visited = Distinct([.. _grid.Select(step => _plan.SigmaOf(step.At.Level)), _plan.SigmaOf(_grid.End)]);
        if (tensors.Has("means")) visited = visited[..^1]; // lists of the equations' classes do not name the clean end
        comparison.Numbers("sigmas", visited, [.. recorded.Take(visited.Length)], Tolerances.Sigma);
        if (!tensors.Has("sigmas_interpol")) return;
        double[] between = [.. Levels.Where((_, i) => i % 2 == 1).Select(_plan.SigmaOf)];
        comparison.Numbers("sigmas_interpol", between, Distinct([.. tensors.Numbers("sigmas_interpol").Where(sigma => sigma > 0 && double.IsFinite(sigma))]), Tolerances.Sigma);
    }

    private void CompareTimesteps(double[] recorded, bool integers, bool fromSigmas, Comparison comparison)
    {
        comparison.Number("the number of timesteps", Labels.Count, recorded.Length, 0);
        // What the model is told inside a step is derived from σ too.
        var named = _grid.Select(step => (float)(step.At.Label ?? double.NaN)).ToHashSet();
        for (var i = 0; i < Math.Min(Labels.Count, recorded.Length); i++)
            comparison.Number($"timesteps[{i}]", Labels[i], recorded[i], Tolerances.Timestep(recorded[i], integers, fromSigmas || !named.Contains((float)Labels[i])));
    }

    private static double[] Distinct(double[] numbers) => [.. numbers.Where((number, i) => i == 0 || number != numbers[i - 1])];

    private static bool DerivedFromSigmas(RecordedTensors tensors, JsonElement settings) =>
        tensors.Has("sigmas") && (!settings.TryGetProperty("beta_schedule", out _)
            || settings.EnumerateObject().Any(p => p.Name.StartsWith("use_", StringComparison.Ordinal) && p.Value.ValueKind == JsonValueKind.True));
}
