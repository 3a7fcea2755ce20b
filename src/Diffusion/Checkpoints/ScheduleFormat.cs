using System.Text.Json.Nodes;
using Diffusion.Schedules;

namespace Diffusion.Checkpoints;

/// <summary>Schedules in configuration files.</summary>
internal static class ScheduleFormat
{
    public static JsonObject Write(NoiseSchedule schedule) => schedule switch
    {
        VariancePreservingSchedule s => new JsonObject { ["kind"] = "variance-preserving", ["betaMin"] = s.BetaMin, ["betaMax"] = s.BetaMax },
        SubVariancePreservingSchedule s => new JsonObject { ["kind"] = "sub-variance-preserving", ["betaMin"] = s.BetaMin, ["betaMax"] = s.BetaMax },
        VarianceExplodingSchedule s => new JsonObject { ["kind"] = "variance-exploding", ["sigmaMin"] = s.SigmaMin, ["sigmaMax"] = s.SigmaMax },
        KarrasSchedule s => new JsonObject { ["kind"] = "karras", ["sigmaMin"] = s.SigmaMin, ["sigmaMax"] = s.SigmaMax, ["rho"] = s.Rho },
        CosineSchedule s => new JsonObject { ["kind"] = "cosine", ["offset"] = s.Offset },
        RectifiedFlowSchedule => new JsonObject { ["kind"] = "rectified-flow" },
        TrigonometricSchedule => new JsonObject { ["kind"] = "trigonometric" },
        ShiftedSchedule s => new JsonObject { ["kind"] = "shifted", ["shift"] = s.Shift, ["inner"] = Write(s.Inner) },
        VarianceExplodingForm s => new JsonObject { ["kind"] = "variance-exploding-form", ["inner"] = Write(s.Inner) },
        MonotoneSchedule s => new JsonObject
        {
            ["kind"] = "monotone",
            ["startLogSnr"] = s.StartLogSnr,
            ["endLogSnr"] = s.EndLogSnr,
            ["rate"] = s.Rate,
            ["weights"] = List(s.Weights),
            ["steepness"] = List(s.Steepness),
            ["centres"] = List(s.Centres),
        },
        DiscreteSchedule s => new JsonObject
        {
            ["kind"] = "discrete",
            ["interpolation"] = s.Interpolation == LevelInterpolation.LogSnr ? "log-snr" : "noise-to-signal",
            ["betas"] = List(s.Betas),
        },
        _ => throw new NotSupportedException($"{schedule.GetType().Name} cannot be written to a file: only the library's own schedules have a name there. Save the network alone and make the schedule in code."),
    };

    // A level of a form asks the schedule below more than once, so the work doubles with each; and no form of a form of a form means anything.
    private const int DeepestForm = 3;

    public static NoiseSchedule Read(JsonSettings settings) => Read(settings, 0);

    private static NoiseSchedule Read(JsonSettings settings, int depth)
    {
        if (depth > DeepestForm) throw settings.Fault("schedule.inner", $"is a form of a form within more than {DeepestForm} others");
        try
        {
            NoiseSchedule schedule = settings.Text("kind") switch
            {
                "variance-preserving" => new VariancePreservingSchedule(settings.Number("betaMin"), settings.Number("betaMax")),
                "sub-variance-preserving" => new SubVariancePreservingSchedule(settings.Number("betaMin"), settings.Number("betaMax")),
                "variance-exploding" => new VarianceExplodingSchedule(settings.Number("sigmaMin"), settings.Number("sigmaMax")),
                "karras" => new KarrasSchedule(settings.Number("sigmaMin"), settings.Number("sigmaMax"), settings.Number("rho")),
                "cosine" => new CosineSchedule(settings.Number("offset")),
                "rectified-flow" => new RectifiedFlowSchedule(),
                "trigonometric" => new TrigonometricSchedule(),
                "shifted" => new ShiftedSchedule(Read(settings.Object("inner"), depth + 1), settings.Number("shift")),
                "variance-exploding-form" => new VarianceExplodingForm(Read(settings.Object("inner"), depth + 1)),
                "monotone" => new MonotoneSchedule(
                    settings.Number("startLogSnr"), settings.Number("endLogSnr"), settings.Number("rate"), settings.Numbers("weights"), settings.Numbers("steepness"), settings.Numbers("centres")),
                "discrete" => new DiscreteSchedule(settings.Numbers("betas"), settings.Text("interpolation") switch
                {
                    "log-snr" => LevelInterpolation.LogSnr,
                    "noise-to-signal" => LevelInterpolation.NoiseToSignal,
                    var other => throw settings.Fault("schedule.interpolation", $"is \"{other}\"; log-snr or noise-to-signal is needed"),
                }),
                var other => throw settings.Fault("schedule.kind", $"is \"{other}\"; variance-preserving, sub-variance-preserving, variance-exploding, karras, cosine, rectified-flow, trigonometric, shifted, variance-exploding-form, monotone or discrete is needed"),
            };
            settings.Finish();
            return schedule;
        }
        catch (ArgumentException error)
        {
            throw settings.Refused(error);
        }
    }

    private static JsonArray List(IEnumerable<double> numbers) => new([.. numbers.Select(number => JsonValue.Create(number))]);
}
