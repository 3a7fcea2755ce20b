using Diffusion.Checkpoints.Schedulers;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Checkpoints;

public class PublishedSigmasTests
{
    private static readonly double[] Trained = PublishedSigmas.Trained(new DiscreteSchedule(Float32Rates.Round(BetaSchedule.ScaledLinear())));

    [Fact]
    public void TheKarrasRampOfStableDiffusionAndItsTimestepsAreThePublishedOnes()
    {
        var sigmas = PublishedSigmas.Karras(Trained[^1], Trained[0], 10);
        double[] expected = [14.614647, 9.102937, 5.478401, 3.168611, 1.749423, .914076, .446921, .2014, .081911, .029168];
        for (var i = 0; i < 10; i++) Assert.Equal(expected[i], sigmas[i], 1e-5 * Math.Max(1, expected[i]));
        double[] timesteps = [999, 916.284, 815.045, 687.153, 523.199, 327.147, 145.939, 40.857, 6.732, 0];
        Assert.All(PublishedSigmas.Timesteps(Trained, sigmas).Zip(timesteps), pair => Assert.Equal(pair.Second, pair.First, 1e-3));
    }

    [Fact]
    public void TimestepsInvertTheTrainedSigmas()
    {
        var timesteps = PublishedSigmas.Timesteps(Trained, Trained);
        for (var i = 0; i < timesteps.Length; i++) Assert.Equal(i, timesteps[i], 1e-4);
    }

    [Theory]
    [InlineData("linspace", new double[] { 999, 832, 666, 500, 333, 166, 0 })]
    [InlineData("leading", new double[] { 852, 710, 568, 426, 284, 142, 0 })]
    [InlineData("trailing", new double[] { 999, 856, 713, 570, 428, 285, 142 })]
    public void SevenTimestepsOfAThousandAreThePublishedOnes(string spacing, double[] expected)
    {
        var plan = SchedulerConfig.Parse($$"""{"_class_name": "DDPMScheduler", "timestep_spacing": "{{spacing}}"}""").Plan();
        Assert.Equal(expected, plan.Grid(7).Select(step => step.At.Label!.Value));
    }
}
