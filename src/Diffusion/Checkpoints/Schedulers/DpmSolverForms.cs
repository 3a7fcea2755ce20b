using Diffusion.Samplers;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>The forms of DPM-Solver, by the names of the published classes. Names that belong to their siblings mean the default, as there.</summary>
internal static class DpmSolverForms
{
    /// <summary>The key of the form.</summary>
    public static ConfigKey AlgorithmKey(params string[] more) => ConfigKey.Choice("algorithm_type", "dpmsolver++", ["dpmsolver", "dpmsolver++", "sde-dpmsolver++", "deis", .. more]);

    /// <summary>The key of the second-order weights.</summary>
    public static ConfigKey SolverKey() => ConfigKey.Choice("solver_type", "midpoint", "midpoint", "heun", "logrho", "bh1", "bh2");

    /// <summary>What is interpolated.</summary>
    public static SolverVariable Variable(ConfigValues values) => values.Choice("algorithm_type") is "dpmsolver" or "sde-dpmsolver" ? SolverVariable.Noise : SolverVariable.Data;

    /// <summary>η.</summary>
    public static double Eta(ConfigValues values) => values.Choice("algorithm_type").StartsWith("sde-", StringComparison.Ordinal) ? 1 : 0;

    /// <summary>How two estimates are weighed.</summary>
    public static SecondOrder Second(ConfigValues values) => values.Choice("solver_type") == "heun" ? SecondOrder.Heun : SecondOrder.Midpoint;

    /// <summary>How three estimates are weighed.</summary>
    public static ThirdOrder Third(StepOptions step) => step.Quirks ? ThirdOrder.AsInDiffusers : ThirdOrder.Corrected;

    /// <summary>How the order falls at the end.</summary>
    public static MultistepEnding Ending(ConfigValues values) =>
        new(values.Flag("lower_order_final") ? 15 : 0, values.FlagIfAny("euler_at_final") ? 1 : null);

    /// <summary>Refuses what the published classes cannot run.</summary>
    public static void Check(ConfigValues values, int order)
    {
        if (Variable(values) == SolverVariable.Noise && values.Has("final_sigmas_type") && values.Choice("final_sigmas_type") == "zero")
            throw values.Wrong("final_sigmas_type", $"is \"zero\", which 'algorithm_type' \"{values.Choice("algorithm_type")}\" cannot end at; \"sigma_min\" is needed.");
        if (order == 3 && values.Choice("algorithm_type") == "sde-dpmsolver") throw values.Wrong("solver_order", "is 3, which 'algorithm_type' \"sde-dpmsolver\" has not.");
    }
}
