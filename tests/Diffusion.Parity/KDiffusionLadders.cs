using System.Globalization;
using System.Text.RegularExpressions;
using Diffusion.Checkpoints;
using Diffusion.Checkpoints.Schedulers;
using Diffusion.Schedules;

namespace Diffusion.Parity;

/// <summary>The σ ladders of k-diffusion, whose arguments are in their names, and its discrete schedules.</summary>
internal static partial class KDiffusionLadders
{
    /// <summary>Variance-exploding levels of every σ.</summary>
    public static NoiseSchedule Exploding { get; } = new VarianceExplodingForm(new RectifiedFlowSchedule());

    public static void Compare(SafetensorsFile file, string name, Comparison comparison)
    {
        var recorded = RecordedTensors.ToNumbers(file.Read("sigmas." + name));
        var grid = name.StartsWith("discrete.", StringComparison.Ordinal) ? Discrete(file, name) : Named(name);
        comparison.Numbers("sigmas", [.. grid.Select(step => step.At.Level.NoiseToSignal), grid.End.NoiseToSignal], recorded, Tolerances.Sigma);
    }

    public static void CompareSchedule(SafetensorsFile file, string name, Comparison comparison)
    {
        var schedule = Schedule(file, name);
        double[] Recorded(string key) => RecordedTensors.ToNumbers(file.Read($"{name}.{key}"));
        comparison.Numbers("all_sigmas", [.. Enumerable.Range(0, schedule.TrainingSteps).Select(t => schedule.AtTimestep(t).NoiseToSignal)], Recorded("all_sigmas"), Tolerances.Sigma);
        comparison.Numbers("t_to_sigma", Array.ConvertAll(Recorded("t_to_sigma.in"), t => schedule.AtTimestep(t).NoiseToSignal), Recorded("t_to_sigma.out"), Tolerances.Sigma);
        var label = schedule.TimestepLabel(nearest: name.EndsWith("quantize1", StringComparison.Ordinal));
        comparison.Numbers("sigma_to_t", Array.ConvertAll(Recorded("sigma_to_t.in"), sigma => label.At(NoiseLevel.Of(1, sigma))), Recorded("sigma_to_t.out"),
            t => Tolerances.Timestep(t, integers: false, fromSigmas: true));
    }

    private static TimeGrid Named(string name)
    {
        var arguments = Argument().Matches(name).ToDictionary(match => match.Groups[1].Value, match => double.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture));
        double Of(string argument, double otherwise = double.NaN) => arguments.GetValueOrDefault(argument, otherwise);
        var (steps, min, max) = ((int)Of("n"), Of("min"), Of("max"));
        return name.Split('.')[0] switch
        {
            "karras" => TimeGrid.Karras(Exploding, steps, Of("rho", 7), min, max),
            "exponential" => TimeGrid.Exponential(Exploding, steps, min, max),
            "polyexponential" => TimeGrid.PolyExponential(Exploding, steps, Of("rho", 1), min, max),
            "vp" => TimeGrid.FromNoiseToSignal(Exploding, Float32Ladder.VariancePreserving(steps, Of("beta_min", 0.1), Of("beta_min", 0.1) + Of("beta_d", 19.9), Of("eps", 1e-3))),
            var other => throw new UnsupportedException($"the ladder {other} is not known"),
        };
    }

    // discrete.<schedule>.quantize<q>.get_sigmas.<n or all>: equal distances in the timestep, which need not be an integer.
    private static TimeGrid Discrete(SafetensorsFile file, string name)
    {
        var parts = name.Split('.');
        var schedule = Schedule(file, string.Join('.', parts[..3]));
        var steps = parts[^1] == "all" ? schedule.TrainingSteps : int.Parse(parts[^1][1..], CultureInfo.InvariantCulture);
        return TimeGrid.Uniform(schedule, steps, to: schedule.AtTimestep(0).Time);
    }

    private static DiscreteSchedule Schedule(SafetensorsFile file, string name) => DiscreteSchedule.FromNoiseToSignal(RecordedTensors.ToNumbers(file.Read(name + ".all_sigmas")));

    [GeneratedRegex(@"\.(n|min|max|rho|beta_d|beta_min|eps)(\d+(?:\.\d+)?)(?=\.|$)")]
    private static partial Regex Argument();
}
