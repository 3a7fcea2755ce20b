using Diffusion.Denoisers;
using Diffusion.Dynamics;
using Diffusion.Schedules;
using Diffusion.Tests.Samplers;
using Xunit;

namespace Diffusion.Tests.Dynamics;

public class LangevinTests
{
    private static Tensor DoubleWell(Tensor x) => (x.square() - 1).square().neg().view(-1);

    [Theory, InlineData(0.01, 1.00502513), InlineData(0.1, 1.05263158), InlineData(0.5, 1.33333333)]
    public void UnadjustedStepsSettleTooWide(double stepSize, double expected)
    {
        using var scope = NewDisposeScope();
        var steps = (int)(14 / stepSize);
        var langevin = new UnadjustedLangevin(x => -x, stepSize);
        var end = langevin.Sample(OrthogonalNoise.State(steps + 1, 2), steps, new OrthogonalNoise());
        Assert.Equal(expected, end.square().mean().item<double>(), 6e-9);
    }

    [Fact]
    public void TheTemperatureScalesTheVariance()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        const double variance = 0.25, stepSize = 0.02, temperature = 3;
        var langevin = new UnadjustedLangevin(x => x / -variance, stepSize, temperature);
        var end = langevin.Sample(OrthogonalNoise.State(401, 1), 400, new OrthogonalNoise());
        Assert.Equal(temperature * variance / (1 - stepSize / (2 * variance)), end.square().mean().item<double>(), 1e-9);
        Assert.Equal(0, new UnadjustedLangevin(x => x / -variance, stepSize, 0).Sample(ones(1, 1), 1000, noise).item<float>(), 1e-6);
    }

    [Fact]
    public void AnAdjustedStepOfTheSameSizeHasNoBias()
    {
        // ε = 0.5, where the unadjusted variance is 1.333; the standard error of 20000 chains is 0.01.
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(1);
        var result = new MetropolisLangevin(x => x.square().sum(1).mul(-0.5), 0.5).Sample(noise.Next([20000, 1], float64, CPU), 100, noise);
        Assert.Equal(1, result.State.square().mean().item<double>(), 0.04);
        Assert.InRange(result.Acceptance.mean().item<double>(), 0.5, 0.99);
    }

    [Theory, InlineData(0.5, 0.8521361522), InlineData(1, 0.8327454871), InlineData(2, 0.8934649696)]
    public void TheDoubleWellHasItsMomentsAtEveryTemperature(double temperature, double secondMoment)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(2);
        // Started inside the wells: far out, where the gradient is steep, proposals overshoot and none is accepted.
        var x = new MetropolisLangevin(DoubleWell, 0.05, temperature).Sample(noise.Next([20000, 1], float64, CPU) * 0.5, 400, noise).State;
        Within4StandardErrors(secondMoment, x.square());
        // Virial theorem, E[x·U'] = T; with U' = 4x³ − 4x it says E x⁴ = E x² + T/4.
        Within4StandardErrors(temperature, (x.square() - 1) * x.square() * 4);
        Within4StandardErrors(secondMoment + temperature / 4, x.pow(4));
        Within4StandardErrors(0, x);
    }

    [Fact]
    public void TheSimulatedDoubleWellNearsThemToo()
    {
        // ItoProcess: the bias of steps of 0.002 is below the standard error of 20000 paths, 0.0044.
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(3);
        var process = ItoProcess.Langevin(x => (x.square() - 1) * x * -4);
        var times = Enumerable.Range(0, 1501).Select(i => i * 0.002).ToArray();
        var x = process.Simulate(noise.Next([20000, 1], float64, CPU), times, noise, SdeScheme.Heun);
        Within4StandardErrors(0.8327454871, x.square());
    }

    [Theory, InlineData(1, 0.5), InlineData(7.5, 0.5), InlineData(1, 2)]
    public void AWeightedLikelihoodNarrowsThePosterior(double weight, double r)
    {
        // N(0, 1) and y | x ~ N(x, r²) with weight γ: mean (γ/r²)y/(1 + γ/r²), variance 1/(1 + γ/r²) for small steps, 1/(A(1 − εA/4)) for ε.
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        const double y = 0.7;
        var precision = 1 + weight / (r * r);
        var stepSize = 0.2 / precision;
        StochasticGradientLangevin Dynamics(double observed, double temperature)
        {
            var score = ScoreFunctions.Posterior(x => -x, x => (observed - x) / (r * r), weight);
            return new StochasticGradientLangevin((x, _) => score(x), _ => stepSize, temperature);
        }

        var mean = Dynamics(y, 0).Sample(zeros(1, 1, dtype: float64), 400, noise); // T = 0: the mode, which is the mean
        Assert.Equal(weight / (r * r) * y / precision, mean.item<double>(), 1e-10);
        var spread = Dynamics(0, 1).Sample(OrthogonalNoise.State(401, 1), 400, new OrthogonalNoise());
        Assert.Equal(1 / (precision * (1 - stepSize * precision / 4)), spread.square().mean().item<double>(), 1e-10);
    }

    [Fact]
    public void PartsOfTheDataAreEnoughForThePosterior()
    {
        // 100 observations of a mean, 10 a step: the posterior N(Σy/(n + 1/10), 1/(n + 1/10)) of the prior N(0, 10).
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(4);
        var data = noise.Next([100], float64, CPU) + 1.5;
        var random = new HostRandom(5);
        Tensor Gradient(Tensor x, int step)
        {
            var chosen = tensor(Enumerable.Range(0, 10).Select(_ => random.NextInteger(100)).ToArray());
            return x * -0.1 + (data.index_select(0, chosen).mean() - x) * 100;
        }

        var dynamics = new StochasticGradientLangevin(Gradient, StochasticGradientLangevin.Falling(2e-3, 20, 0.6));
        // All chains share the parts, so chains average over their own noise only; time averages over the parts.
        var (sum, squares, count) = (0.0, 0.0, 0);
        dynamics.Sample(full([2000, 1], 1.5, dtype: float64), 3000, noise, (step, x) =>
        {
            if (step < 1000) return;
            sum += x.mean().item<double>();
            squares += x.square().mean().item<double>();
            count++;
        });
        var mean = sum / count;
        Assert.Equal(data.sum().item<double>() / 100.1, mean, 0.01);
        Assert.Equal(1 / 100.1, squares / count - mean * mean, 0.15 / 100.1); // the falling steps still add about 5 %
    }

    [Fact]
    public void FallingStepsFallAsPublished()
    {
        var sizes = StochasticGradientLangevin.Falling(0.1, 10, 0.55);
        Assert.Equal(0.1, sizes(0), 1e-15);
        Assert.Equal(0.1 * Math.Pow(11, -0.55), sizes(100), 1e-15);
    }

    [Fact]
    public void AnyDenoiserHasAScoreToFollow()
    {
        using var scope = NewDisposeScope();
        var schedule = new VariancePreservingSchedule();
        var level = schedule.At(0.3);
        var mixture = new GaussianMixture([0.4, 0.6], new[,] { { -0.8 }, { 0.7 } }, new[,] { { 0.3 }, { 0.2 } });
        var denoised = ScoreFunctions.OfDenoiser(new GaussianMixtureDenoiser(schedule, mixture), level);
        var differentiated = ScoreFunctions.OfDensity(x => mixture.LogDensity(x, level));
        var x = linspace(-3, 3, 50, dtype: float64).view(-1, 1);
        Assert.True(denoised(x).allclose(differentiated(x), 1e-10, 1e-10));
        Assert.Throws<ArgumentException>(() => ScoreFunctions.OfDenoiser(new GaussianDenoiser(schedule), schedule.Clean));
    }

    [Fact]
    public void ChainsBorrowTheirStartAndLeaveNothingBehind()
    {
        using var noise = NoiseSource.FromSeed(0);
        using var start = ones(3, 2);
        var before = LiveTensors.Count();
        using (new UnadjustedLangevin(x => -x, 0.1).Sample(start, 5, noise))
        using (new UnadjustedLangevin(x => -x, 0.1).Sample(start, 0, noise))
        using (new StochasticGradientLangevin((x, _) => -x, _ => 0.1).Sample(start, 5, noise))
        using (ItoProcess.Langevin(x => -x).Simulate(start, [0, 0.1, 0.2], noise, SdeScheme.Heun))
        {
            var sample = new MetropolisLangevin(x => x.square().sum(1).mul(-0.5), 0.1).Sample(start, 5, noise);
            Assert.Equal(before + 6, LiveTensors.Count());
            sample.State.Dispose();
            sample.Acceptance.Dispose();
        }

        Assert.Equal(before, LiveTensors.Count());
        Assert.Equal(1, start[0, 0].item<float>());
        LiveTensors.Count();
    }

    [Fact]
    public void RefusesWhatItCannotDo()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        Assert.Throws<ArgumentOutOfRangeException>(() => new UnadjustedLangevin(x => -x, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new UnadjustedLangevin(x => -x, 1, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MetropolisLangevin(x => x, 1, 0));
        Assert.Throws<ArgumentException>(() => new UnadjustedLangevin(x => -x, 1).Sample(zeros(2, 2, dtype: int64), 1, noise));
        var constant = Assert.Throws<InvalidOperationException>(() => new MetropolisLangevin(x => zeros(x.shape[0]), 1).Sample(zeros(2, 2), 1, noise));
        Assert.Contains("does not depend", constant.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => new MetropolisLangevin(x => x.detach().sum(1), 1).Sample(zeros(2, 2), 1, noise));
        Assert.Throws<InvalidOperationException>(() => new MetropolisLangevin(x => x.sum(), 1).Sample(zeros(2, 2), 1, noise));
        Assert.Throws<InvalidOperationException>(() => new StochasticGradientLangevin((x, _) => -x, _ => -1).Sample(zeros(2, 2), 1, noise));
        Assert.Throws<OperationCanceledException>(() => new UnadjustedLangevin(x => -x, 1).Sample(zeros(2, 2), 1, noise, null, new CancellationToken(true)));
    }

    private static void Within4StandardErrors(double expected, Tensor samples)
    {
        var error = Math.Sqrt(samples.var().item<double>() / samples.numel());
        Assert.Equal(expected, samples.mean().item<double>(), 4 * error);
    }
}
