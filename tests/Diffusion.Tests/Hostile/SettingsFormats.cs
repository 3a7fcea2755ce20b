using System.Globalization;
using System.Text.Json.Nodes;
using Diffusion.Checkpoints;
using Diffusion.Checkpoints.Schedulers;
using Diffusion.Schedules;

namespace Diffusion.Tests.Hostile;

/// <summary>scheduler_config.json of every class.</summary>
internal sealed class SchedulerFormat() : HostileFormat("scheduler")
{
    private const string FileName = "scheduler_config.json";

    private static readonly JsonMutation Json = new(
        [.. SchedulerConfig.KnownClasses, "linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid", "exp", "epsilon", "sample", "v_prediction", "flow_prediction", "linspace", "leading", "trailing", "zero", "sigma_min", "trained_betas", "_x"]);

    private static readonly RunOptions[] Runs =
    [
        new() { Steps = 4 }, new() { Steps = 1 }, new() { Steps = 60 }, new() { Steps = 3, Mu = 1 }, new() { Steps = 2, Sigmas = [1, 0.5] }, new() { Timesteps = [40, 20, 3] }, new() { Steps = 3, Strength = 0.5 },
        new() { Steps = 3, OriginalSteps = 7 }, new() { Steps = 3, JumpLength = 0, JumpSamples = 2 }, new() { Sigmas = [3, 1, 0.5] },
    ];

    public override IReadOnlyDictionary<string, byte[]> Valid { get; } = Written(folder =>
        File.WriteAllText(Path.Combine(folder, FileName), """{"_class_name":"DDIMScheduler","_version":"0.1","num_train_timesteps":50,"beta_start":0.0001,"beta_end":0.02,"beta_schedule":"linear","clip_sample":true}"""));

    // Each key of each class by itself, at values that its type allows; then what only several keys together say.
    public override IEnumerable<Dictionary<string, byte[]>> Directed
    {
        get
        {
            string[] odd = ["-1", "0", "0.5", "1e999", "7", "100001", "true", "\"flow_prediction\"", "[2]", "[0.1,0.2]", "null"];
            foreach (var name in SchedulerConfig.KnownClasses)
                foreach (var key in SchedulerReaders.Of(name)!.KeysOf(name).Where(key => key.Name != "num_train_timesteps"))
                    foreach (var value in odd)
                        if (Fits(key, value)) yield return Of(name, $"\"{key.Name}\":{value}");
            foreach (var lie in Lies) yield return With(FileName, lie);
            yield return Without(FileName);
        }
    }

    private static IEnumerable<string> Lies =>
    [
        "{", "[]", "{}", """{"_class_name":"Other"}""", """{"_class_name":"\ud800"}""", """{"_class_name":"DDIMScheduler","eta":0,"eta":0}""", """{"_class_name":"DDIMScheduler","unheard_of":1}""",
        """{"_class_name":"DDIMScheduler","num_train_timesteps":2000000000}""", """{"_class_name":"DDIMScheduler","num_train_timesteps":3,"trained_betas":[0.1]}""", """{"_class_name":"DDIMScheduler","beta_start":-5}""",
        """{"_class_name":"DDIMScheduler","trained_betas":[2,3],"num_train_timesteps":2}""", """{"_class_name":"DDIMScheduler","thresholding":true,"dynamic_thresholding_ratio":2}""",
        """{"_class_name":"DDIMScheduler","thresholding":true,"sample_max_value":0}""", """{"_class_name":"DDIMScheduler","clip_sample_range":-1}""",
        """{"_class_name":"DPMSolverMultistepScheduler","use_karras_sigmas":true,"use_exponential_sigmas":true}""", """{"_class_name":"DPMSolverMultistepScheduler","use_karras_sigmas":true,"use_flow_sigmas":true}""",
        """{"_class_name":"DPMSolverMultistepScheduler","algorithm_type":"dpmsolver","final_sigmas_type":"zero"}""", """{"_class_name":"DPMSolverMultistepScheduler","algorithm_type":"sde-dpmsolver","solver_order":3,"final_sigmas_type":"sigma_min"}""",
        """{"_class_name":"FlowMatchEulerDiscreteScheduler","invert_sigmas":true,"stochastic_sampling":true}""", """{"_class_name":"ScoreSdeVeScheduler","correct_steps":1,"snr":0}""",
        """{"_class_name":"UniPCMultistepScheduler","use_flow_sigmas":true,"flow_shift":0}""", """{"_class_name":"UniPCMultistepScheduler","use_flow_sigmas":true,"shift_terminal":1}""",
        """{"_class_name":"UniPCMultistepScheduler","use_flow_sigmas":true,"prediction_type":"flow_prediction","predict_x0":false}""", """{"_class_name":"DPMSolverMultistepInverseScheduler","use_flow_sigmas":true}""",
        """{"_class_name":"IPNDMScheduler","trained_betas":[0.9,0.5,0.3,0.2,2]}""", """{"_class_name":"KarrasVeScheduler","s_min":2,"s_max":1}""", """{"_class_name":"DDIMScheduler","num_train_timesteps":Infinity}""", $"{{\"_class_name\":\"DDIMScheduler\",\"_note\":\"{new string('x', 17 << 20)}\"}}",
    ];

    public override long Load(string folder)
    {
        var config = SchedulerConfig.Read(folder);
        _ = config.NoiseRates;
        _ = config.ToJson();
        // A configuration that was accepted must give a grid, or say what about the run does not fit.
        foreach (var options in Runs)
        {
            try
            {
                _ = config.Plan().Grid(options);
            }
            catch (Exception error) when (error.GetType() == typeof(ArgumentException) || error.GetType() == typeof(ArgumentOutOfRangeException))
            {
                Said.Add(error.Message);
            }
        }

        return 0;
    }

    public override void Distort(Dictionary<string, byte[]> files, Random random)
    {
        var name = SchedulerConfig.KnownClasses[random.Next(SchedulerConfig.KnownClasses.Count)];
        var config = new JsonObject { ["_class_name"] = name };
        foreach (var key in SchedulerReaders.Of(name)!.KeysOf(name))
            if (random.Next(3) == 0)
                config[key.Name] = key.Default switch { bool flag => flag, int number => number, double number when double.IsFinite(number) => number, string text => text, _ => null };
        files[FileName] = System.Text.Encoding.UTF8.GetBytes(Json.Apply(config, random));
    }

    private static bool Fits(ConfigKey key, string value) => key.Default switch
    {
        bool => value == "true",
        double => value[0] is not ('[' or '"' or 't' or 'n'),
        int => value is "-1" or "0" or "7" or "100001",
        string => value[0] == '"' || value == "7",
        _ => true,
    };

    // The shortest training that the class takes: the schedule is made anew for each.
    private Dictionary<string, byte[]> Of(string name, string setting) => With(FileName, $"{{\"_class_name\":\"{name}\",\"num_train_timesteps\":{(setting.Contains("[0.1,0.2]", StringComparison.Ordinal) ? 2 : 50)},{setting}}}");
}

/// <summary>model.json, with every schedule.</summary>
internal sealed class DescriptionFormat() : HostileFormat("model description")
{
    private static readonly NoiseSchedule[] Schedules =
    [
        new VariancePreservingSchedule(), new SubVariancePreservingSchedule(), new VarianceExplodingSchedule(), new KarrasSchedule(), new CosineSchedule(), new RectifiedFlowSchedule(), new TrigonometricSchedule(),
        new ShiftedSchedule(new RectifiedFlowSchedule(), 3), new VarianceExplodingForm(new VariancePreservingSchedule()), new DiscreteSchedule([0.1, 0.2, 0.3]), new MonotoneSchedule(10, -10, 1, [0.5], [1], [0.5]),
    ];

    private static readonly string[] Descriptions = [.. Schedules.Select(schedule => System.Text.Encoding.UTF8.GetString(Written(folder => Write(folder, schedule))[ModelDescription.FileName]))];

    private static readonly JsonMutation Json = new(
        "variance-preserving", "sub-variance-preserving", "variance-exploding", "karras", "cosine", "rectified-flow", "trigonometric", "shifted", "variance-exploding-form", "monotone", "discrete", "log-snr", "noise-to-signal",
        "epsilon", "data", "v", "score", "velocity", "edm", "time", "timestep", "quarter-log-sigma", "log-sigma", "sigma", "inner", "kind", "scale", "betas", "diffusion-model");

    public override IReadOnlyDictionary<string, byte[]> Valid { get; } = Written(folder => Write(folder, Schedules[0]));

    public override IEnumerable<Dictionary<string, byte[]>> Directed
    {
        get
        {
            string[] lies =
            [
                """{"format":"other"}""", """{"version":2}""", """{"version":1.5}""", """{"dataRange":-1}""", """{"dataRange":"x"}""", """{"sampleShape":[0]}""", """{"sampleShape":[]}""", """{"sampleShape":[1000000,1000000]}""",
                """{"sampleShape":[4611686018427387904,4611686018427387904,0]}""", """{"sampleShape":[1.5]}""", """{"sampleShape":3}""", """{"classNames":[1]}""", """{"classNames":"x"}""", """{"unheard_of":1}""", """{"schedule":3}""",
                """{"schedule":{"kind":"other"}}""", """{"schedule":{"kind":"discrete","betas":[0.1],"interpolation":"other"}}""", """{"schedule":{"kind":"variance-preserving","betaMin":-1,"betaMax":2}}""", """{"schedule":{"kind":3}}""",
                """{"parameterization":{"kind":"other","label":{"kind":"time","scale":1}}}""", """{"parameterization":{"kind":"v","label":{"kind":"other","scale":1}}}""", """{"parameterization":{"kind":"v","label":{"kind":"timestep","scale":999.5}}}""",
                """{"parameterization":{"kind":"v","label":{"kind":"timestep","scale":0}}}""", """{"parameterization":{"kind":"edm","sigmaData":-1,"label":{"kind":"time","scale":1}}}""",
            ];
            foreach (var lie in lies)
            {
                var description = JsonNode.Parse(Descriptions[0])!.AsObject();
                foreach (var (key, value) in JsonNode.Parse(lie)!.AsObject()) description[key] = value?.DeepClone();
                yield return With(ModelDescription.FileName, description.ToJsonString());
            }

            // Every level of a form would ask the one below twice.
            var nested = "{\"kind\":\"rectified-flow\"}";
            for (var i = 0; i < 25; i++) nested = $"{{\"kind\":\"shifted\",\"shift\":1.5,\"inner\":{nested}}}";
            var whole = JsonNode.Parse(Descriptions[0])!.AsObject();
            whole["schedule"] = JsonNode.Parse(nested);
            yield return With(ModelDescription.FileName, whole.ToJsonString());
            yield return With(ModelDescription.FileName, """{"format":"diffusion-model","format":"diffusion-model"}""");
            yield return With(ModelDescription.FileName, """{"format":"\ud800"}""");
            yield return With(ModelDescription.FileName, "");
            yield return With(ModelDescription.FileName, "[]");
            yield return With(ModelDescription.FileName, new string(' ', 17 << 20));
            yield return Without(ModelDescription.FileName);
        }
    }

    public override long Load(string folder)
    {
        var description = ModelDescription.Read(Path.Combine(folder, ModelDescription.FileName));
        try
        {
            _ = description.Schedule.At(0.5);
            _ = description.Schedule.TimeAtLogSnr(0);
        }
        catch (ArgumentOutOfRangeException)
        {
            // σ/α is infinite there, or this level does not occur; the schedule says so.
        }

        return 0;
    }

    public override void Distort(Dictionary<string, byte[]> files, Random random) =>
        files[ModelDescription.FileName] = System.Text.Encoding.UTF8.GetBytes(Json.Apply(JsonNode.Parse(Descriptions[random.Next(Descriptions.Length)])!, random));

    private static void Write(string folder, NoiseSchedule schedule) => new ModelDescription(schedule, Parameterization.Edm(0.5, NoiseLabel.Timestep(1000)), 3, 8, 8)
    {
        ClassNames = [.. Enumerable.Range(0, 3).Select(k => k.ToString(CultureInfo.InvariantCulture))],
        NullClass = 3,
        DataRange = 1,
    }.Write(Path.Combine(folder, ModelDescription.FileName));
}
