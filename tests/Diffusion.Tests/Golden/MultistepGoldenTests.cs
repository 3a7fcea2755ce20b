using System.Text.Json;
using Diffusion.Checkpoints;
using Diffusion.Denoisers;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Golden;

/// <summary>Agreement of the multistep presets with the recorded runs of k-diffusion on a Gaussian mixture.</summary>
public class MultistepGoldenTests
{
    private const string Folder = "golden/kdiffusion";

    public static TheoryData<string> Samplers => ["sample_dpmpp_2m", "sample_dpmpp_2m_sde", "sample_dpmpp_3m_sde"];

    [Theory]
    [MemberData(nameof(Samplers))]
    public void EveryStateIsThatOfKDiffusion(string name)
    {
        var folder = Shared.Require(Folder);
        using var scope = NewDisposeScope();
        using var file = SafetensorsFile.Open(Path.Combine(folder, "data.safetensors"));
        using var manifest = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "manifest.json")));
        var schedule = new VarianceExplodingForm(new RectifiedFlowSchedule());
        var mixture = new Mixture(schedule, Rows(file.Read("gmm.mu").flatten(1)), Rows(file.Read("gmm.std").unsqueeze(1)), Numbers(file.Read("gmm.weight")));
        var runs = manifest.RootElement.GetProperty("runs").EnumerateArray().Where(r => r.GetProperty("sampler").ValueEquals(name)).ToList();
        Assert.NotEmpty(runs);
        foreach (var run in runs)
        {
            var id = run.GetProperty("id").GetString()!;
            var sigmas = Numbers(file.Read($"{id}.sigmas"));
            var grid = TimeGrid.FromPoints(schedule, Array.ConvertAll(sigmas[..^1], sigma => new NoisePoint(NoiseLevel.Of(1, sigma))));
            using var noise = new Draws(file.Contains($"{id}.noise") ? file.Read($"{id}.noise") : null);
            var (expected, step) = (file.Read($"{id}.xs"), 0);
            var hooks = new SamplingHooks { OnStep = (_, x, _) => Same(x, ++step < expected.shape[0] ? expected[step] : file.Read($"{id}.out"), $"{id}, step {step}") };
            Make(name, run.GetProperty("kwargs")).Sample(mixture, file.Read($"{id}.x_T"), grid, noise, hooks, TestContext.Current.CancellationToken);
            Assert.Equal(sigmas.Length - 1, step);
        }
    }

    private static DpmSolverMultistepSampler Make(string name, JsonElement settings)
    {
        var eta = settings.TryGetProperty("eta", out var given) ? given.GetDouble() : 1;
        var heun = settings.TryGetProperty("solver_type", out var type) && type.ValueEquals("heun");
        return name switch
        {
            "sample_dpmpp_2m" => DpmSolverMultistepSampler.PlusPlus2M(),
            "sample_dpmpp_2m_sde" => DpmSolverMultistepSampler.PlusPlus2MSde(eta, second: heun ? SecondOrder.Heun : SecondOrder.Midpoint),
            _ => DpmSolverMultistepSampler.PlusPlus3MSde(eta, third: ThirdOrder.AsPublished),
        };
    }

    // The tolerance that the recording's description gives: 1e-4 of each number's size, at least 1.
    private static void Same(Tensor actual, Tensor expected, string what)
    {
        var worst = (actual - expected).abs().div(expected.abs().clamp_min(1)).max().item<float>();
        Assert.True(worst <= 1e-4, $"{what}: off by {worst}");
    }

    private static double[] Numbers(Tensor t) => t.to(float64).data<double>().ToArray();

    private static double[,] Rows(Tensor t)
    {
        var (rows, flat) = (new double[t.shape[0], t.shape[1]], Numbers(t.contiguous()));
        Buffer.BlockCopy(flat, 0, rows, 0, flat.Length * sizeof(double));
        return rows;
    }

    // In float64 whatever the state is, as recorded.
    private sealed class Mixture(NoiseSchedule schedule, double[,] means, double[,] deviations, double[] weights) : IDenoiser
    {
        private readonly GaussianMixture _mixture = new(weights, means, deviations);

        public NoiseSchedule Schedule => schedule;

        public Estimate Denoise(Tensor x, NoisePoint at) => new(_mixture.PosteriorMean(x.flatten(1).to(float64), at.Level).to(x.dtype).reshape(x.shape));
    }

    private sealed class Draws(Tensor? draws) : NoiseSource
    {
        private int _next;

        public override Tensor Next(ReadOnlySpan<long> shape, ScalarType dtype, Device device) => draws![_next++].clone();

        public override double NextDouble() => throw new NotSupportedException();
    }
}
