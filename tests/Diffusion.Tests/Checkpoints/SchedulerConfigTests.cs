using Diffusion.Checkpoints.Schedulers;
using Diffusion.Denoisers;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Checkpoints;

public class SchedulerConfigTests
{
    [Fact]
    public void MissingKeysTakeTheDefaultsOfTheClass()
    {
        var plan = SchedulerConfig.Parse("""{"_class_name": "DDPMScheduler"}""").Plan();
        var schedule = Assert.IsType<DiscreteSchedule>(plan.Schedule);
        Assert.Equal(1000, schedule.TrainingSteps);
        Assert.Equal(1e-4, schedule.Betas[0], 1e-7);
        Assert.Equal("epsilon", plan.Parameterization.Name);
        Assert.Equal([900.0, 800, 700, 600, 500, 400, 300, 200, 100, 0], plan.Grid(10).Select(step => step.At.Label!.Value));
        Assert.True(plan.Grid(10).End.IsClean);
    }

    [Fact]
    public void KeysOfOtherSchedulersAreKeptAndNoted()
    {
        var config = SchedulerConfig.Parse("""{"_class_name": "DDIMScheduler", "_diffusers_version": "0.6.0", "skip_prk_steps": true, "clip_sample": false}""");
        Assert.Contains("skip_prk_steps", Assert.Single(config.Notes), StringComparison.Ordinal);
        Assert.Contains("\"skip_prk_steps\": true", config.ToJson(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"_class_name": "DDPMScheduler", "beta_strat": 0.1}""", "beta_strat")]
    [InlineData("""{"_class_name": "DDPMScheduler", "beta_start": "0.1"}""", "beta_start")]
    [InlineData("""{"_class_name": "DDPMScheduler", "clip_sample": 1}""", "clip_sample")]
    [InlineData("""{"_class_name": "DDPMScheduler", "num_train_timesteps": 0}""", "num_train_timesteps")]
    [InlineData("""{"_class_name": "DDPMScheduler", "beta_schedule": "cosine"}""", "beta_schedule")]
    [InlineData("""{"_class_name": "DDPMScheduler", "beta_start": -0.1}""", "beta_schedule")]
    [InlineData("""{"_class_name": "DDPMScheduler", "trained_betas": [0.1, 0.2]}""", "trained_betas")]
    [InlineData("""{"_class_name": "DDPMScheduler", "num_train_timesteps": 2, "trained_betas": [0.1, 2]}""", "trained_betas")]
    [InlineData("""{"_class_name": "DDPMScheduler", "thresholding": true, "dynamic_thresholding_ratio": 2}""", "dynamic_thresholding_ratio")]
    [InlineData("""{"_class_name": "DDPMScheduler", "beta_end": 0.1, "beta_end": 0.2}""", "beta_end")]
    [InlineData("""{"_class_name": "ScoreSdeVeScheduler", "sigma_min": 0}""", "sigma_max")]
    [InlineData("""{"_class_name": "ScoreSdeVeScheduler", "snr": 0}""", "snr")]
    [InlineData("""{"_class_name": "ScoreSdeVpScheduler", "beta_max": 0.01}""", "beta_max")]
    [InlineData("""{"_class_name": "ScoreSdeVpScheduler", "sampling_eps": 0}""", "sampling_eps")]
    [InlineData("""{"_class_name": "KarrasVeScheduler", "sigma_max": 0.01}""", "sigma_max")]
    [InlineData("""{"_class_name": "KarrasVeScheduler", "s_max": 0.01}""", "s_max")]
    [InlineData("""{"_class_name": "NoScheduler"}""", "_class_name")]
    [InlineData("""{"beta_start": 0.1}""", "_class_name")]
    [InlineData("[]", "Array")]
    [InlineData("{", "JSON")]
    public void BadFilesNameTheFileAndTheKey(string json, string key)
    {
        var error = Assert.Throws<InvalidDataException>(() => SchedulerConfig.Parse(json, "some/scheduler_config.json"));
        Assert.Contains("some/scheduler_config.json", error.Message, StringComparison.Ordinal);
        Assert.Contains(key, error.Message, StringComparison.Ordinal);
    }

    // The published loops of the score-based classes, on a network that answers 0.
    [Fact]
    public void ScoreBasedClassesStepAsPublished()
    {
        using var scope = NewDisposeScope();
        var exploding = SchedulerConfig.Parse("""{"_class_name": "ScoreSdeVeScheduler", "sigma_max": 10, "correct_steps": 0}""").Plan();
        var grid = exploding.Grid(5);
        Assert.Equal(10, exploding.InitialSigma(grid));
        Assert.Equal(1, grid[0].At.Level.Time);
        Assert.Equal(1e-5, grid[4].At.Level.Time, 1e-12);
        Assert.All(grid, step => Assert.Equal(step.At.Level.Sigma, step.At.Label!.Value));
        // The rungs of the ladder telescope: the noise of the whole run has the variance of the highest rung.
        using var network = new Diffusion.Tests.Training.ScaleNetwork(0, 0, ScalarType.Float32);
        using var noise = NoiseSource.FromSeed(1);
        var end = exploding.Sampler.Sample(exploding.Bind(network), zeros(100_000, 1), grid, noise);
        Assert.Equal(100, end.square().mean().item<float>(), 1.8); // four standard errors of a variance of 10⁵ draws

        var preserving = SchedulerConfig.Parse("""{"_class_name": "ScoreSdeVpScheduler"}""").Plan();
        Assert.Equal(999 * 1e-3, preserving.Grid(10)[9].At.Label!.Value, 1e-6);
        var squares = SchedulerConfig.Parse("""{"_class_name": "KarrasVeScheduler"}""").Plan();
        Assert.Equal(100, squares.InitialSigma(squares.Grid(3)));
        Assert.Equal([10_000, 2, 0.0004], squares.Grid(3).Select(step => Math.Round(step.At.Level.Sigma, 7)));
    }

    [Fact]
    public void WritingBackRoundTrips()
    {
        const string json = """{"_class_name": "DDIMScheduler", "_diffusers_version": "0.40.0", "beta_end": 0.012, "lambda_min_clipped": -Infinity, "trained_betas": null, "steps_offset": 1}""";
        var folder = Directory.CreateTempSubdirectory("scheduler");
        try
        {
            var config = SchedulerConfig.Parse(json);
            config.Write(folder.FullName);
            var again = SchedulerConfig.Read(folder.FullName);
            Assert.Equal(config.ToJson(), again.ToJson());
            Assert.Equal(json.Replace(" ", "", StringComparison.Ordinal), again.ToJson().Replace(" ", "", StringComparison.Ordinal).Replace("\n", "", StringComparison.Ordinal));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void OneConfigurationServesManyClasses()
    {
        var config = SchedulerConfig.Parse("""{"_class_name": "DDPMScheduler", "beta_end": 0.012, "variance_type": "fixed_large"}""").As("DDIMScheduler");
        Assert.Equal(0.012, ((DiscreteSchedule)config.Plan().Schedule).Betas[^1], 1e-7);
        Assert.Contains("variance_type", Assert.Single(config.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void ArgumentsThatAClassDoesNotTakeAreRefused()
    {
        var config = SchedulerConfig.Parse("""{"_class_name": "DDPMScheduler"}""");
        Assert.Contains("Eta", Assert.Throws<ArgumentException>(() => config.Plan(new StepOptions { Eta = 1 })).Message, StringComparison.Ordinal);
        Assert.Contains("Mu", Assert.Throws<ArgumentException>(() => config.Plan().Grid(new RunOptions { Steps = 3, Mu = 1 })).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => config.Plan().Grid(1001));
        Assert.Throws<ArgumentException>(() => config.Plan().Grid(0));
        Assert.Throws<ArgumentException>(() => config.Plan().Grid(new RunOptions { Timesteps = [3, 5] }));
    }

    [Theory]
    [InlineData("DDPMScheduler", typeof(DdpmSampler)), InlineData("UnCLIPScheduler", typeof(DdpmSampler)), InlineData("EulerDiscreteScheduler", typeof(EulerSampler))]
    [InlineData("EDMEulerScheduler", typeof(EulerSampler)), InlineData("KDPM2AncestralDiscreteScheduler", typeof(Dpm2AncestralSampler)), InlineData("IPNDMScheduler", typeof(PndmSampler))]
    [InlineData("FlowMatchHeunDiscreteScheduler", typeof(HeunSampler)), InlineData("TCDScheduler", typeof(TcdSampler))]
    public void QuirksOfAPublishedClassAreOffUnlessAskedFor(string name, Type sampler)
    {
        var config = SchedulerConfig.Parse($$"""{"_class_name": "{{name}}"}""");
        Assert.IsType(sampler, config.Plan().Sampler);
        Assert.IsNotType(sampler, config.Plan(new StepOptions { Quirks = true }).Sampler);
    }

    [Theory]
    [InlineData("EulerDiscreteScheduler"), InlineData("DDPMScheduler"), InlineData("IPNDMScheduler"), InlineData("DEISMultistepScheduler"), InlineData("HeunDiscreteScheduler")]
    public void QuirksChangeDigitsNotTheMethod(string name)
    {
        using var scope = NewDisposeScope();
        var config = SchedulerConfig.Parse($$"""{"_class_name": "{{name}}"}""");
        Tensor Sample(bool quirks)
        {
            var plan = config.Plan(new StepOptions { Quirks = quirks });
            using var noise = NoiseSource.FromSeed(1);
            var grid = plan.Grid(50);
            var start = noise.Next([64, 2], ScalarType.Float32, CPU) * grid.Start.Sigma;
            return plan.Sampler.Sample(plan.Decorate(new GaussianDenoiser(plan.Schedule, 0.3, 0.5)), start, grid, noise);
        }

        var difference = (Sample(false) - Sample(true)).abs().max().item<float>();
        Assert.True(difference < 0.02, $"With and without quirks the samples differ by {difference}."); // they spread by 0.5
    }
}
