using Diffusion.Checkpoints.Schedulers;
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
}
