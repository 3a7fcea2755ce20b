using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Core;

public class TransitionTests
{
    private static readonly DiscreteSchedule Ddpm = new(BetaSchedule.Linear());

    [Fact]
    public void NeighbouringTimestepsGiveThePublishedPosterior()
    {
        for (var t = 1; t < 1000; t += 37)
        {
            var transition = new Transition(Ddpm.AtTimestep(t), Ddpm.AtTimestep(t - 1));
            var (beta, bar, previous) = (Ddpm.Betas[t], Ddpm.AlphaBar(t), Ddpm.AlphaBar(t - 1));
            Assert.Equal(beta, transition.ForwardVariance, 1e-12);
            Assert.Equal(beta * (1 - previous) / (1 - bar), transition.PosteriorVariance, 1e-12);
            Assert.Equal(Math.Sqrt(previous) * beta / (1 - bar), transition.PosteriorData, 1e-11);
            Assert.Equal(Math.Sqrt(1 - beta) * (1 - previous) / (1 - bar), transition.PosteriorState, 1e-11);
        }
    }

    [Fact]
    public void ForwardThenPosteriorKeepsTheMarginal()
    {
        // x_t = α_t·x₀ + σ_t·z put through the posterior with the true x₀ has the mean α_s·x₀ and the variance σ_s².
        var (noisier, cleaner) = (new CosineSchedule().At(0.8), new CosineSchedule().At(0.3));
        var p = new Transition(noisier, cleaner);
        Assert.Equal(cleaner.Alpha, p.PosteriorData + p.PosteriorState * noisier.Alpha, 1e-14);
        Assert.Equal(cleaner.Sigma * cleaner.Sigma, Math.Pow(p.PosteriorState * noisier.Sigma, 2) + p.PosteriorVariance, 1e-14);
    }

    [Fact]
    public void PureNoiseAndCleanDataAreOrdinaryEnds()
    {
        var flow = new RectifiedFlowSchedule();
        var fromNoise = new Transition(flow.At(1), flow.At(0.5));
        Assert.Equal((0.5, 0.0, 0.25), (fromNoise.PosteriorData, fromNoise.PosteriorState, fromNoise.PosteriorVariance));
        var toData = new Transition(flow.At(0.5), flow.At(0));
        Assert.Equal((1.0, 0.0, 0.0), (toData.PosteriorData, toData.PosteriorState, toData.PosteriorVariance));
    }

    [Fact]
    public void CloseLevelsLoseNoDigits()
    {
        var schedule = new VariancePreservingSchedule();
        const double t = 0.5, h = 1e-9;
        var transition = new Transition(schedule.At(t + h), schedule.At(t));
        // To first order the forward variance is g²·h; t itself is known to 1e-16, h therefore to 1e-7.
        Assert.Equal(schedule.At(t).DiffusionSquared, transition.ForwardVariance / h, 1e-6 * schedule.At(t).DiffusionSquared);
    }

    [Fact]
    public void RejectsAStepUpward()
    {
        var error = Assert.Throws<ArgumentException>(() => new Transition(Ddpm.AtTimestep(10), Ddpm.AtTimestep(20)));
        Assert.Contains("log-SNR", error.Message, StringComparison.Ordinal);
    }
}
