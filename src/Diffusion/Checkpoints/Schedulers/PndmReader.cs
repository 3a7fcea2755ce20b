using Diffusion.Schedules;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>PNDMScheduler: pseudo Runge–Kutta steps, then PLMS; or PLMS alone. (Liu et al. 2022)</summary>
/// <remarks>A step of its grid is one evaluation. The quirks are those of <see cref="PublishedPndm"/>.</remarks>
internal sealed class PndmReader : SchedulerReader
{
    public override IReadOnlyList<string> ClassNames => ["PNDMScheduler"];

    public override IReadOnlyList<ConfigKey> KeysOf(string className) =>
    [
        .. TrainedSchedule.Keys(),
        ConfigKey.Flag("skip_prk_steps", false),
        ConfigKey.Flag("set_alpha_to_one", false),
        SigmaFamily.PredictionKey(),
        ConfigKey.Choice("timestep_spacing", "leading", "linspace", "leading", "trailing"),
        ConfigKey.Integer("steps_offset", 0),
    ];

    public override SchedulerPlan Plan(SchedulerConfig config, ConfigValues values, StepOptions step)
    {
        var schedule = TrainedSchedule.Of(values);
        var skip = values.Flag("skip_prk_steps");
        return new SchedulerPlan(config, schedule, TrainedSchedule.Prediction(values), new PublishedPndm(schedule, skip, values.Choice("prediction_type") == "v_prediction"), Grid)
        {
            NoiseFromOutput = true,
        };

        TimeGrid Grid(RunOptions run)
        {
            var timesteps = PublishedTimesteps.Trained(values, run.Steps!.Value);
            var stride = schedule.TrainingSteps / timesteps.Length;
            var final = values.Flag("set_alpha_to_one") ? schedule.Clean : schedule.AtTimestep(0);
            return new TimeGrid(schedule, skip ? Multistep(schedule, timesteps, stride, final) : WithRungeKutta(schedule, timesteps, stride, final));
        }
    }

    // PLMS alone: the second timestep is asked twice, the second time for the first step again.
    private static GridStep[] Multistep(DiscreteSchedule schedule, int[] timesteps, int stride, NoiseLevel final)
    {
        int[] asked = timesteps.Length == 1 ? timesteps : [timesteps[0], timesteps[1], .. timesteps.AsSpan(1)];
        var steps = Array.ConvertAll(asked, t => new GridStep(schedule.Labelled(t), schedule.LevelOr(t - stride, final)));
        if (steps.Length > 1) steps[1] = steps[1] with { To = steps[1].At.Level };
        return steps;
    }

    // Three steps of four evaluations between the first four timesteps, then PLMS.
    private static GridStep[] WithRungeKutta(DiscreteSchedule schedule, int[] timesteps, int stride, NoiseLevel final)
    {
        if (timesteps.Length < 4)
            throw new ArgumentException($"{timesteps.Length} steps were asked for; PNDMScheduler with its Runge–Kutta steps takes at least 4. Set 'skip_prk_steps' for fewer.", nameof(timesteps));
        var steps = new List<GridStep>();
        for (var i = 0; i < 3; i++)
        {
            var (start, next) = (timesteps[i], timesteps[i + 1]);
            var middle = next + stride / 2;
            if (middle >= schedule.TrainingSteps) throw new ArgumentException($"A Runge–Kutta step asks at timestep {middle}, past the last trained one.", nameof(timesteps));
            Add(start, start - stride / 2);
            Add(middle, middle);
            Add(middle, middle - stride / 2);
            Add(next, next);
        }

        foreach (var t in timesteps.AsSpan(3)) Add(t, t - stride);
        return [.. steps];

        void Add(int at, int to) => steps.Add(new GridStep(schedule.Labelled(at), schedule.LevelOr(to, final)));
    }
}
