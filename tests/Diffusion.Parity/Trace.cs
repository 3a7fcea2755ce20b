using System.Text.Json;
using Diffusion.Checkpoints.Schedulers;

namespace Diffusion.Parity;

/// <summary>A run as the loop of the recordings sees it: one iteration a model call.</summary>
internal sealed class Trace
{
    private Trace(IReadOnlyList<NoisePoint> points, NoiseLevel end, IReadOnlyList<Tensor> after, IReadOnlyList<Tensor> estimates)
    {
        Points = points;
        End = end;
        After = after;
        Estimates = estimates;
    }

    /// <summary>Where the model was asked.</summary>
    public IReadOnlyList<NoisePoint> Points { get; }

    /// <summary>Where the run ended.</summary>
    public NoiseLevel End { get; }

    /// <summary>The state after each iteration: the one that the next call got, and the last.</summary>
    public IReadOnlyList<Tensor> After { get; }

    /// <summary>The estimate of the data of each iteration.</summary>
    public IReadOnlyList<Tensor> Estimates { get; }

    /// <summary>Runs a plan. The tensors of the trace belong to the caller's scope.</summary>
    public static Trace Of(SchedulerPlan plan, TimeGrid grid, DenoisingNetwork network, Tensor start, Tensor? noise, double[]? iterations)
    {
        var recorder = new Recorder(plan.Bind(network));
        try
        {
            using var source = new RecordedNoise(noise, iterations, () => recorder.Points.Count - 1);
            var end = plan.Sampler.Sample(recorder, start, grid, source);
            Tensor[] after = [.. recorder.States.Skip(1).Select(t => t.alias()), end];
            Tensor[] estimates = [.. recorder.Data.Select(t => t.alias())];
            return new Trace([.. recorder.Points], grid.End, after, estimates);
        }
        finally
        {
            recorder.Clear();
        }
    }

    /// <summary>Compares timesteps and σ.</summary>
    public void CompareLevels(RecordedTensors tensors, JsonElement settings, Comparison comparison)
    {
        double[] labels = [.. Points.Select(point => point.Label ?? double.NaN)];
        comparison.Numbers("timesteps", labels, tensors.Numbers("timesteps"), Tolerances.Timestep(tensors.IsInteger("timesteps"), DerivedFromSigmas(tensors, settings)));
        if (!tensors.Has("sigmas")) return;
        // Lists of two-call classes hold each level twice, and some end with levels that no step visits.
        var recorded = Distinct(tensors.Numbers("sigmas"));
        var visited = Distinct([.. Grid(tensors).Select(Unit), Unit(End)]);
        comparison.Numbers("sigmas", visited, [.. recorded.Take(visited.Length)], Tolerances.Sigma);
    }

    private IEnumerable<NoiseLevel> Grid(RecordedTensors tensors) =>
        tensors.Has("sigmas_interpol") ? Points.Where((_, i) => i % 2 == 0).Select(point => point.Level) : Points.Select(point => point.Level);

    // The reference's σ: of the straight path itself, elsewhere over α.
    private static double Unit(NoiseLevel level) => level is { Alpha: var a, Sigma: var s } && Math.Abs(a + s - 1) < 1e-12 && s > 0 ? s : level.NoiseToSignal;

    private static double[] Distinct(double[] numbers) => [.. numbers.Where((number, i) => i == 0 || number != numbers[i - 1])];

    private static bool DerivedFromSigmas(RecordedTensors tensors, JsonElement settings) =>
        tensors.Has("sigmas") && (tensors.Has("sigmas_interpol") || !settings.TryGetProperty("timestep_spacing", out _)
            || settings.EnumerateObject().Any(p => p.Name.StartsWith("use_", StringComparison.Ordinal) && p.Value.ValueKind == JsonValueKind.True));
}
