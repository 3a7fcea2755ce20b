using Diffusion.Denoisers;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Core;

public class BrownianNoiseTests
{
    private static readonly NoiseSchedule _schedule = new KarrasSchedule();

    // W(from) − W(to) and the length of the clock between them, up to one factor.
    private static (double[] Value, double Length) Increment(NoiseSource noise, double from, double to, long count = 4096)
    {
        using var scope = NewDisposeScope();
        var (a, b) = (_schedule.AtNoiseToSignal(from), to == 0 ? _schedule.Clean : _schedule.AtNoiseToSignal(to));
        static double Clock(NoiseLevel level) => Math.Round(Math.Sqrt(level.NoiseToSignal) / (1 + Math.Sqrt(level.NoiseToSignal)) * (1 << 24)) / (1 << 24);
        var length = Clock(a) - Clock(b);
        return (noise.Between(zeros(count, dtype: float64), a, b).mul(Math.Sqrt(length)).data<double>().ToArray(), length);
    }

    [Fact]
    public void IncrementsOfPartsAddUpToTheWhole()
    {
        using var noise = NoiseSource.Brownian(7);
        double[] levels = [70, 9, 8.99, 0.4, 0.003, 0];
        var whole = Increment(noise, levels[0], levels[^1]).Value;
        var sum = new double[whole.Length];
        for (var i = 0; i + 1 < levels.Length; i++)
            foreach (var (j, value) in Increment(noise, levels[i], levels[i + 1]).Value.Index()) sum[j] += value;
        for (var i = 0; i < sum.Length; i++) Assert.Equal(whole[i], sum[i], 12);
    }

    [Fact]
    public void TheOrderOfQuestionsDoesNotMatter()
    {
        using var first = NoiseSource.Brownian(3);
        using var second = NoiseSource.Brownian(3);
        double[] levels = [80, 20, 5, 1, 0.1, 0.01];
        var down = Enumerable.Range(0, 5).Select(i => Increment(first, levels[i], levels[i + 1], 8).Value).ToArray();
        foreach (var i in new[] { 3, 0, 4, 1, 2 }) Assert.Equal(down[i], Increment(second, levels[i], levels[i + 1], 8).Value);
    }

    [Fact]
    public void EveryIncrementHasUnitVarianceAndDisjointOnesAreIndependent()
    {
        using var noise = NoiseSource.Brownian(11);
        double[] levels = [80, 40, 39, 3, 2.9999, 0.5, 0.004, 0.002];
        const int count = 1 << 16;
        var unit = new List<double[]>();
        for (var i = 0; i + 1 < levels.Length; i++)
        {
            var (value, length) = Increment(noise, levels[i], levels[i + 1], count);
            unit.Add(Array.ConvertAll(value, v => v / Math.Sqrt(length)));
        }

        // Standard errors of a mean, a variance and a covariance of n numbers: 1, √2 and 1 over √n. Five of them.
        var error = 5 / Math.Sqrt(count);
        for (var i = 0; i < unit.Count; i++)
        {
            Assert.Equal(0, unit[i].Average(), error);
            Assert.Equal(1, unit[i].Average(v => v * v), error * Math.Sqrt(2));
            for (var j = 0; j < i; j++) Assert.Equal(0, unit[i].Zip(unit[j], (a, b) => a * b).Average(), error);
        }
    }

    [Fact]
    public void TenAndAThousandStepsWalkTheSamePath()
    {
        // Pure diffusion on a level grid: the sum of the parts of each long step is the long step.
        using var scope = NewDisposeScope();
        using var coarse = NoiseSource.Brownian(5);
        using var fine = NoiseSource.Brownian(5);
        static double Clock(NoiseLevel level) => Math.Round(Math.Sqrt(level.NoiseToSignal) / (1 + Math.Sqrt(level.NoiseToSignal)) * (1 << 24));
        var (ten, thousand) = (TimeGrid.Karras(_schedule, 11), TimeGrid.Karras(_schedule, 1001));
        var like = zeros(3, dtype: float64);
        for (var i = 0; i < 10; i++)
        {
            var sum = zeros_like(like);
            for (var j = 100 * i; j < 100 * (i + 1); j++)
                sum.add_(fine.Between(like, thousand[j].At.Level, thousand[j].To), alpha: Math.Sqrt(Clock(thousand[j].At.Level) - Clock(thousand[j].To)));
            var whole = coarse.Between(like, ten[i].At.Level, ten[i].To).mul(Math.Sqrt(Clock(ten[i].At.Level) - Clock(ten[i].To)));
            Assert.True((whole - sum).abs().max().item<double>() < 1e-9, $"step {i}: {whole} and {sum}");
        }
    }

    [Fact]
    public void AnEulerAncestralRunConvergesStrongly()
    {
        // Against a run of 16,384 steps on the same path: the root mean square error of 512 paths falls by four with four times the steps.
        using var scope = NewDisposeScope();
        var denoiser = new GaussianDenoiser(_schedule, 0.3, 0.5);
        Tensor Run(int steps)
        {
            using var noise = NoiseSource.Brownian(1);
            return new EulerAncestralSampler().Sample(denoiser, full([512], 80.0, dtype: float64).unsqueeze(1), TimeGrid.Karras(_schedule, steps + 1).EndingAt(_schedule.At(0)), noise);
        }

        var exact = Run(16384);
        double Error(int steps) => (Run(steps) - exact).square().mean().sqrt().item<double>();
        var (some, more) = (Error(64), Error(256));
        Assert.Equal(1, Math.Log(some / more) / Math.Log(4), 0.15);
    }

    [Fact]
    public void PathsOfSamplesDoNotDependOnTheBatch()
    {
        using var scope = NewDisposeScope();
        var (from, to) = (_schedule.At(0.9), _schedule.At(0.2));
        using var both = NoiseSource.BrownianPerSample(4, 9);
        using var alone = NoiseSource.BrownianPerSample(9);
        var (batch, single) = (both.Between(zeros(2, 5), from, to), alone.Between(zeros(1, 5), from, to));
        Assert.Equal(single.data<float>().ToArray(), batch[1].data<float>().ToArray());
        Assert.NotEqual(batch[0].data<float>().ToArray(), batch[1].data<float>().ToArray());
        Assert.Equal(alone.NextLike(zeros(1, 3)).data<float>().ToArray(), both.NextLike(zeros(2, 3))[1].data<float>().ToArray());
    }

    [Fact]
    public void RisingStepsAndEqualLevelsDrawAfresh()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.Brownian(2);
        var like = zeros(4);
        var (low, high) = (_schedule.At(0.2), _schedule.At(0.9));
        Assert.NotEqual(noise.Between(like, low, high).data<float>().ToArray(), noise.Between(like, low, high).data<float>().ToArray());
        Assert.NotEqual(noise.Between(like, low, low).data<float>().ToArray(), noise.Between(like, low, low).data<float>().ToArray());
        Assert.Equal(noise.Between(like, high, low).data<float>().ToArray(), noise.Between(like, high, low).data<float>().ToArray());
    }

    [Fact]
    public void PureNoiseAndCleanDataAreTheEndsOfTheClock()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.Brownian(2);
        var flow = new RectifiedFlowSchedule();
        Assert.True(noise.Between(zeros(1000), flow.At(1), flow.At(0)).isfinite().all().item<bool>());
    }

    [Fact]
    public void APathKeepsFewTensorsHoweverManyQuestionsAndNoneAfterwards()
    {
        using var scope = NewDisposeScope();
        var like = zeros(2);
        var before = LiveTensors.Count();
        using (var noise = NoiseSource.Brownian(1))
        {
            foreach (var step in TimeGrid.Karras(_schedule, 200)) noise.Between(like, step.At.Level, step.To).Dispose();
            Assert.InRange(LiveTensors.Count() - before, 1, 26);
        }

        Assert.Equal(before, LiveTensors.Count());
    }
}
