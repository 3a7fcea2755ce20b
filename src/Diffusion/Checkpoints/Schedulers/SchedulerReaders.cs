namespace Diffusion.Checkpoints.Schedulers;

/// <summary>Every scheduler class that the library reads, and the arguments of those that it knows of.</summary>
internal static class SchedulerReaders
{
    /// <summary>One line a reader.</summary>
    private static readonly SchedulerReader[] All =
    [
        new DdpmReader(),
        new DdimReader(),
        new DdimInverseReader(),
        new UnclipReader(),
        new RePaintReader(),
        new EulerReader(),
        new EulerAncestralReader(),
        new HeunReader(),
        new Dpm2Reader(),
        new LinearMultistepReader(),
        new DpmSolverSdeReader(),
        new PndmReader(),
        new IpndmReader(),
        new EdmEulerReader(),
        new EdmDpmSolverReader(),
        new DpmSolverMultistepReader(),
        new DpmSolverSinglestepReader(),
        new DeisReader(),
        new UniPcReader(),
        new SaSolverReader(),
        new FlowMatchEulerReader(),
        new FlowMatchHeunReader(),
        new FlowMatchLcmReader(),
        new LcmReader(),
        new TcdReader(),
        new ConsistencyReader(),
        new ScoreSdeVeReader(),
        new ScoreSdeVpReader(),
        new KarrasVeReader(),
    ];

    private static readonly Dictionary<string, SchedulerReader> ByClass =
        All.SelectMany(reader => reader.ClassNames, (reader, name) => (reader, name)).ToDictionary(pair => pair.name, pair => pair.reader);

    /// <summary>Arguments of published classes that no reader reads; files carry them all the same.</summary>
    private static readonly string[] Elsewhere =
    [
        "s_noise", "eta", "snr_shift_scale", "scaler", "s",
        "shift", "base_shift", "max_shift", "base_image_seq_len", "max_image_seq_len", "invert_sigmas", "shift_terminal", "time_shift_type", "stochastic_sampling",
        "use_dynamic_shifting", "scale_factors", "upscale_mode", "use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_flow_sigmas", "flow_shift",
        "use_lu_lambdas", "interpolation_type", "timestep_type", "sigma_min", "sigma_max", "sigma_data", "sigma_schedule", "rho", "final_sigmas_type",
        "solver_order", "solver_type", "solver_p", "algorithm_type", "lower_order_final", "euler_at_final", "lambda_min_clipped", "variance_type", "predict_x0",
        "disable_corrector", "predictor_order", "corrector_order", "tau_func", "original_inference_steps", "timestep_scaling", "skip_prk_steps",
        "noise_sampler_seed", "clip_denoised", "set_alpha_to_one", "clip_sample", "clip_sample_range", "thresholding", "dynamic_thresholding_ratio", "sample_max_value",
        "timestep_spacing", "steps_offset", "prediction_type", "rescale_betas_zero_snr", "trained_betas", "beta_start", "beta_end", "beta_schedule",
        "num_train_timesteps", "tensor_format", "timestep_values", // the last two: files of the first published version
    ];

    private static readonly HashSet<string> Keys =
        [.. Elsewhere, .. All.SelectMany(reader => reader.ClassNames.SelectMany(reader.KeysOf)).Select(key => key.Name)];

    /// <summary>The classes.</summary>
    public static IEnumerable<string> ClassNames => ByClass.Keys.Order(StringComparer.Ordinal);

    /// <summary>The reader of a class; null where there is none.</summary>
    public static SchedulerReader? Of(string className) => ByClass.GetValueOrDefault(className);

    /// <summary>Whether any published class has an argument of this name.</summary>
    public static bool IsKnownKey(string key) => Keys.Contains(key);
}
