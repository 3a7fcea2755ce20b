namespace Diffusion.Checkpoints.Schedulers;

/// <summary>The timesteps of latent-consistency and trajectory-consistency models: some of those that the model was distilled at.</summary>
internal static class DistilledTimesteps
{
    /// <summary>The keys that LCMScheduler and TCDScheduler share.</summary>
    public static IEnumerable<ConfigKey> Keys() =>
    [
        .. TrainedSchedule.Keys(0.00085, 0.012, "scaled_linear"),
        ConfigKey.StepCount("original_inference_steps", 50),
        ConfigKey.Flag("clip_sample", false),
        ConfigKey.Number("clip_sample_range", 1),
        ConfigKey.Flag("set_alpha_to_one", true),
        ConfigKey.Integer("steps_offset", 0),
        ConfigKey.Choice("prediction_type", "epsilon", "epsilon", "sample", "v_prediction"),
        .. TrainedSchedule.ThresholdingKeys(),
        ConfigKey.Choice("timestep_spacing", "leading", "linspace", "leading", "trailing"),
        ConfigKey.Number("timestep_scaling", 10),
        ConfigKey.Flag("rescale_betas_zero_snr", false),
    ];

    /// <summary>The timesteps of a run, falling.</summary>
    /// <param name="values">The settings.</param>
    /// <param name="run">The run.</param>
    /// <param name="anyIfOriginal">Quirk of TCD: where the run says how many original steps there are, all trained timesteps are taken for them.</param>
    /// <exception cref="ArgumentException">The model was distilled with fewer steps, or an option is out of its range.</exception>
    public static int[] Of(ConfigValues values, RunOptions run, bool anyIfOriginal = false)
    {
        var (trained, original, strength) = (values.Integer("num_train_timesteps"), run.OriginalSteps ?? values.Integer("original_inference_steps"), run.Strength ?? 1);
        if (original < 1 || original > trained) throw new ArgumentException($"{original} original steps were asked for; 1 … {trained} are needed.", nameof(run));
        if (!(strength > 0 && strength <= 1)) throw new ArgumentException($"The strength is {strength}; a number in (0, 1] is needed.", nameof(run));
        if (run.Timesteps is { } given)
        {
            var timesteps = PublishedTimesteps.Given(given, trained);
            var kept = Math.Min((int)(timesteps.Length * strength), timesteps.Length);
            return kept > 0 ? timesteps[^kept..] : throw new ArgumentException($"A strength of {strength} leaves none of {timesteps.Length} timesteps.", nameof(run));
        }

        var every = anyIfOriginal && run.OriginalSteps is not null;
        var (count, stride) = every ? ((int)(trained * strength), 1) : ((int)(original * strength), trained / original);
        var steps = run.Steps!.Value;
        if (steps > count) throw new ArgumentException($"{steps} steps were asked for, but there are only {count} to choose from at strength {strength}.", nameof(run));
        var (chosen, distance) = (new int[steps], (double)count / steps);
        for (var i = 0; i < steps; i++) chosen[i] = (count - (int)(i * distance)) * stride - 1;
        return chosen;
    }
}
