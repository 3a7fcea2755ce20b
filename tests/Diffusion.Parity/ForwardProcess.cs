using Diffusion.Checkpoints.Schedulers;

namespace Diffusion.Parity;

/// <summary>Compares noised data and velocity targets with the recorded ones.</summary>
internal static class ForwardProcess
{
    private const double Tolerance = 2e-5;

    public static void Compare(SchedulerPlan plan, TimeGrid grid, RecordedTensors tensors, Comparison comparison)
    {
        if (!tensors.Has("fwd_out")) return;
        var (x0, noise) = (tensors["fwd_x0"], tensors["fwd_noise"]);
        var timesteps = tensors.Numbers("fwd_timesteps");
        for (var i = 0; i < timesteps.Length; i++)
        {
            var level = plan.LevelOf(grid, timesteps[i]);
            var (data, eps) = (x0.select(0, i), noise.select(0, i));
            Mixed($"fwd_out[{i}]", level.Alpha, level.Sigma, tensors["fwd_out"].select(0, i));
            if (!tensors.Has("fwd_velocity")) continue;
            level = plan.VelocityLevelOf(grid, timesteps[i]);
            var (a, b) = Parameterization.Normalized(Parameterization.V()).At(level).Target(level);
            Mixed($"fwd_velocity[{i}]", a, b, tensors["fwd_velocity"].select(0, i));

            void Mixed(string what, double ofData, double ofNoise, Tensor expected) =>
                comparison.Tensors(what, new Estimate(data, eps).Mix(data, level, ofData, ofNoise), expected, Tolerance * Math.Max(1, expected.abs().max().to(float64).item<double>()));
        }
    }
}
