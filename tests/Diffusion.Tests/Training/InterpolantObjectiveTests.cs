using Diffusion.Denoisers;
using Diffusion.Dynamics;
using Diffusion.Integration;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Training;

/// <summary>Interpolants between N(m₀, s₀²) and N(m₁, s₁²), where every conditional expectation is linear and known.</summary>
public class InterpolantObjectiveTests
{
    private const double M0 = 0.3, S0 = 0.5, M1 = -1, S1 = 1.5;
    private static readonly RectifiedFlowSchedule Line = new();

    public static TheoryData<string, InterpolantTarget> Cases()
    {
        var data = new TheoryData<string, InterpolantTarget>();
        foreach (var name in new[] { "none", "constant", "bridge", "sine", "trigonometric" })
            foreach (var target in Enum.GetValues<InterpolantTarget>()) data.Add(name, target);
        return data;
    }

    private static (NoiseSchedule Path, LatentNoise Latent) Of(string name) => name switch
    {
        "none" => (Line, LatentNoise.None),
        "constant" => (Line, LatentNoise.Constant(0.4)),
        "bridge" => (Line, LatentNoise.BrownianBridge(0.8)),
        "sine" => (Line, LatentNoise.SineSquared(0.7)),
        _ => (new TrigonometricSchedule(), LatentNoise.Of(t => t * (1 - t), t => 1 - 2 * t)),
    };

    // The exact conditional expectation is reached by no other function, so its loss is the conditional variance, by quadrature in time.
    [Theory]
    [MemberData(nameof(Cases))]
    public void TheExactNetworkReachesTheConditionalVariance(string name, InterpolantTarget target)
    {
        using var scope = NewDisposeScope();
        var (path, latent) = Of(name);
        var objective = new InterpolantObjective(path, latent, target) { Coupling = new Gaussians(), Times = TimeDistribution.Uniform(0.05, 0.95).Stratified() };
        using var network = new ExactInterpolant(path, latent, target);
        using var noise = NoiseSource.FromSeed(2);
        var loss = objective.Loss(network, noise.Next([1000, 400], ScalarType.Float64, CPU).mul_(S0).add_(M0), null, noise).item<double>();
        var floor = Enumerable.Range(0, 2000).Average(i => Variance(path, latent, target, 0.05 + 0.9 * (i + 0.5) / 2000));
        Assert.Equal(floor, loss, 0.012 * floor + 1e-12); // 4·10⁵ squares: √(2/4·10⁵) = 0.22 %, somewhat more where times differ; four of them
    }

    // With γ = 0 and Gaussian x₁ it is the objective of the velocity, to the bit but for the noise that is drawn in between.
    [Fact]
    public void WithoutNoiseItIsTheVelocityObjective()
    {
        using var scope = NewDisposeScope();
        using var network = new ScaleNetwork();
        var x0 = randn(6, 3, dtype: float64);
        var pairs = stack([x0, randn(6, 3, dtype: float64)], 1);
        double Loss(TrainingObjective objective)
        {
            using var noise = NoiseSource.FromSeed(3);
            return objective.Loss(network, pairs, null, noise).item<double>();
        }

        var times = TimeDistribution.Among(0.3);
        Assert.Equal(
            Loss(new DenoisingObjective(Line, Parameterization.Velocity()) { Coupling = Coupling.Paired, Times = times }),
            Loss(new InterpolantObjective(Line, LatentNoise.None) { Coupling = Coupling.Paired, Times = times }), 1e-12);
    }

    // Ends m₁ → m₀ of the flow and of the equation with any diffusion: the moments on the way are those of x_t.
    [Theory]
    [InlineData("constant")]
    [InlineData("bridge")]
    [InlineData("sine")]
    public void FlowAndNoisyEquationKeepTheMarginals(string name)
    {
        using var scope = NewDisposeScope();
        var (path, latent) = Of(name);
        using var network = new ExactInterpolant(path, latent, InterpolantTarget.DriftAndNoise);
        var model = new InterpolantDenoiser(network, path, latent, InterpolantTarget.DriftAndNoise);
        using var noise = NoiseSource.FromSeed(4);
        var (first, last) = (Moments(path, latent, 0.95), Moments(path, latent, 0.1));
        var start = noise.Next([100_000, 1], ScalarType.Float64, CPU).mul_(Math.Sqrt(first.Variance)).add_(first.Mean);
        var flow = new FlowRungeKuttaSampler(RungeKutta.Classical).Sample(model, start, TimeGrid.FromTimes(path, [.. Enumerable.Range(0, 50).Select(i => 0.95 - 0.85 * i / 50)], path.At(0.1)), noise);
        var process = new ItoProcess((x, tau) => model.Reverse(x, 1 - tau, 0.36), (x, _) => full(1, 0.6, x.dtype));
        var noisy = process.Simulate(start, [.. Enumerable.Range(0, 201).Select(i => 0.05 + 0.85 * i / 200)], noise);
        foreach (var end in new[] { flow, noisy })
        {
            Assert.Equal(last.Mean, end.mean().item<double>(), 4 * Math.Sqrt(last.Variance / 1e5) + 0.005);
            Assert.Equal(last.Variance, end.var().item<double>(), 0.03 * last.Variance); // 4·√(2/10⁵) = 1.8 % and the first order of 200 steps
        }
    }

    [Fact]
    public void VelocityScoreAndEstimateAreThoseOfTheGaussian()
    {
        using var scope = NewDisposeScope();
        var (path, latent) = Of("bridge");
        using var both = new ExactInterpolant(path, latent, InterpolantTarget.DriftAndNoise);
        using var alone = new ExactInterpolant(path, latent, InterpolantTarget.Velocity);
        var model = new InterpolantDenoiser(both, path, latent, InterpolantTarget.DriftAndNoise);
        var (x, level) = (linspace(-2, 2, 5, dtype: float64).unsqueeze(1), path.At(0.3));
        var (mean, variance, meanDot, varianceDot) = Moments(path, latent, 0.3);
        var velocity = meanDot + (x - mean) * (varianceDot / (2 * variance)); // of the one linear flow between these marginals
        void Near(Tensor a, Tensor b) => Assert.True((a - b).abs().max().item<double>() < 1e-12);
        Near(velocity, model.Velocity(x, 0.3));
        Near(velocity, new InterpolantDenoiser(alone, path, latent).Velocity(x, 0.3));
        Near(velocity, model.Denoise(x, level).VelocityAt(x, level));
        Near(-(x - mean) / variance, model.Score(x, 0.3));
        Near(-velocity - (x - mean) / variance * 0.18, model.Reverse(x, 0.3, 0.36));
    }

    // The Schrödinger bridge of N(0, 1) data and N(0, ½²) noise: entropic pairs and a Brownian bridge between them. Its covariance c, and the slope V̇/2V of its velocity, are known.
    [Theory]
    [InlineData(0.3)]
    [InlineData(0.7)]
    public void TheSchrodingerBridgeOfGaussiansIsFoundFromBatches(double time)
    {
        using var scope = NewDisposeScope();
        const double Sigma = 0.7;
        using var noise = NoiseSource.FromSeed(5);
        var objective = new InterpolantObjective(Line, LatentNoise.BrownianBridge(Sigma)) { Times = TimeDistribution.Among(time), Coupling = EntropicTransportCoupling.SchrodingerBridge(Sigma, Coupling.Paired) };
        double Gradient(double weight, long seed)
        {
            using var network = new ScaleNetwork(weight, 0);
            using var draws = NoiseSource.FromSeed(seed);
            using var inner = NewDisposeScope();
            var batch = stack([draws.Next([256, 1], ScalarType.Float64, CPU), draws.Next([256, 1], ScalarType.Float64, CPU) * 0.5], 1);
            return autograd.grad([objective.Loss(network, batch, null, draws)], [network.w])[0].item<double>();
        }

        // The best slope w solves grad(w) = 0, and grad is linear.
        var (zero, one) = (Enumerable.Range(0, 30).Average(k => Gradient(0, k)), Enumerable.Range(0, 30).Average(k => Gradient(1, k)));
        var epsilon = 2 * Sigma * Sigma;
        var c = (Math.Sqrt(epsilon * epsilon / 4 + 4 * 0.25) - epsilon / 2) / 2;
        var (a, t) = (1 - time, time);
        var variance = a * a + t * t * 0.25 + 2 * a * t * c + Sigma * Sigma * a * t;
        var slope = (-2 * a + 0.5 * t + 2 * (1 - 2 * t) * c + Sigma * Sigma * (1 - 2 * t)) / (2 * variance);
        Assert.Equal(slope, -zero / (one - zero), 0.05); // 7,680 pairs; batches of 256 bias the plan by less than 0.01
    }

    [Fact]
    public void AnyRankIsTrainedAndWalked()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(1);
        using var network = new ScaleNetwork();
        foreach (var shape in new long[][] { [4, 3], [4, 5, 3], [4, 3, 4, 4], [4, 2, 3, 4, 4] })
        {
            var x = noise.Next(shape, ScalarType.Float64, CPU);
            foreach (var coupling in new Coupling[] { Coupling.Independent, new OptimalTransportCoupling(), new EntropicTransportCoupling(2 * x[0].numel()) })
            {
                var loss = new InterpolantObjective(Line, LatentNoise.Constant(0.1)) { Coupling = coupling }.Loss(network, x, null, noise);
                Assert.True(double.IsFinite(loss.item<double>()));
            }

            var end = new FlowSdeSampler().Sample(new InterpolantDenoiser(network, Line, LatentNoise.None), x, TimeGrid.Uniform(Line, 4), noise);
            Assert.Equal(shape, end.shape);
        }
    }

    [Fact]
    public void RefusesWhatIsUndefined()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(1);
        using var network = new ScaleNetwork();
        var x0 = ones(2, 3, ScalarType.Float64);
        var atTheEnd = new InterpolantObjective(Line, LatentNoise.BrownianBridge(1)) { Times = TimeDistribution.Among(1) };
        Assert.Contains("DriftAndNoise", Assert.Throws<InvalidOperationException>(() => atTheEnd.Loss(network, x0, null, noise)).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => new InterpolantObjective(Line, LatentNoise.None, InterpolantTarget.DriftAndNoise).Loss(network, x0, null, noise)); // three channels for six
        Assert.Throws<ArgumentOutOfRangeException>(() => new InterpolantDenoiser(network, Line, LatentNoise.None, InterpolantTarget.Noise));
        var model = new InterpolantDenoiser(network, Line, LatentNoise.None);
        Assert.Throws<InvalidOperationException>(() => model.Score(x0, 0.5));
        Assert.Throws<InvalidOperationException>(() => model.Reverse(x0, 0.5, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => LatentNoise.Constant(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => LatentNoise.None.At(1.1));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.1)]
    [InlineData(1)]
    public void ConditionsAreDroppedAtTheirRate(double rate)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(9);
        using var counting = new CountingNetwork(nullClass: 10);
        var labels = Enumerable.Range(0, 20_000).Select(i => (long)(i % 10)).ToArray();
        new InterpolantObjective(Line, LatentNoise.None) { ConditionDropout = rate }.Loss(counting, zeros(20_000, 1, ScalarType.Float64), Conditioning.ForClasses(labels, nullClass: 10), noise);
        Assert.Equal(20_000 * rate, counting.Dropped, 20_000 * 4 * Math.Sqrt(rate * (1 - rate) / 20_000)); // four standard deviations of a binomial
        Assert.Equal(20_000 - counting.Dropped, counting.Kept);
        using var plain = new ScaleNetwork();
        new InterpolantObjective(Line, LatentNoise.None) { ConditionDropout = rate }.Loss(plain, zeros(2, 1, ScalarType.Float64), null, noise); // nothing to drop
        foreach (var bad in new[] { -0.01, 1.01, double.NaN }) Assert.Throws<ArgumentOutOfRangeException>(() => new InterpolantObjective(Line, LatentNoise.None) { ConditionDropout = bad });
    }

    // A loss at one time is its mean square times the weights of the time, by distribution and by function.
    [Fact]
    public void WeightsMultiplyTheLoss()
    {
        using var scope = NewDisposeScope();
        using var network = new ScaleNetwork();
        var x0 = randn(5, 3, dtype: float64);
        LossTerms Terms(TimeDistribution times, Func<double, double>? weighting = null)
        {
            using var noise = NoiseSource.FromSeed(4);
            return new InterpolantObjective(Line, LatentNoise.Constant(0.3)) { Times = times, Weighting = weighting ?? (_ => 1) }.Terms(network, x0, null, noise);
        }

        var plain = Terms(TimeDistribution.Uniform());
        var weighted = Terms(TimeDistribution.Uniform(), t => 2 + t);
        var important = Terms(TimeDistribution.Uniform().WithImportance([1], 1)); // shares that change nothing
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(plain.PerSample![i].item<double>() * (2 + plain.Levels![i].Time), weighted.PerSample![i].item<double>(), 1e-12);
            Assert.Equal(plain.PerSample[i].item<double>(), important.PerSample![i].item<double>(), 1e-12);
        }

        double Single(TimeDistribution times)
        {
            using var noise = NoiseSource.FromSeed(4);
            var terms = new InterpolantObjective(Line, LatentNoise.None) { Times = times, Coupling = Coupling.Paired }.Terms(network, stack([x0, x0 + 1], 1), null, noise);
            return terms.PerSample![0].item<double>();
        }

        // One draw of weighted times counts by its weight: here all times are 0.3 and the weights those of the halves.
        var times = TimeDistribution.Of(_ => 0.3);
        using var draws = NoiseSource.FromSeed(4);
        draws.NextLike(x0);
        var weight = times.WithImportance([1, 3], 0.2).DrawWeighted(5, Line, draws)[0].Weight;
        Assert.NotEqual(1, weight, 0.1);
        Assert.Equal(weight * Single(times), Single(times.WithImportance([1, 3], 0.2)), 1e-12);
    }

    [Fact]
    public void LeavesNothingBehind()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(1);
        using var network = new ScaleNetwork();
        var x0 = ones(2, 3, ScalarType.Float64);
        var objective = new InterpolantObjective(Line, LatentNoise.Constant(0.1));
        var model = new InterpolantDenoiser(network, Line, LatentNoise.Constant(0.1));
        var before = LiveTensors.Count();
        using (objective.Loss(network, x0, null, noise)) Assert.Equal(before + 1, LiveTensors.Count());
        using (model.Velocity(x0, 0.5)) Assert.Equal(before + 1, LiveTensors.Count());
        model.Denoise(x0, Line.At(0.5)).Data.Dispose();
        Assert.Equal(before, LiveTensors.Count());
    }

    private static (double Mean, double Variance, double MeanDot, double VarianceDot) Moments(NoiseSchedule path, LatentNoise latent, double time)
    {
        var (l, (g, gDot)) = (path.At(time), latent.At(time));
        return (l.Alpha * M0 + l.Sigma * M1, l.Alpha * l.Alpha * S0 * S0 + l.Sigma * l.Sigma * S1 * S1 + g * g,
            l.AlphaDot * M0 + l.SigmaDot * M1, 2 * (l.Alpha * l.AlphaDot * S0 * S0 + l.Sigma * l.SigmaDot * S1 * S1 + g * gDot));
    }

    private static double Variance(NoiseSchedule path, LatentNoise latent, InterpolantTarget target, double time)
    {
        var (l, (g, gDot)) = (path.At(time), latent.At(time));
        var total = Moments(path, latent, time).Variance;
        // Of a·x₀ + b·x₁ + c·z given x_t.
        double Of(double a, double b, double c) => a * a * S0 * S0 + b * b * S1 * S1 + c * c - Math.Pow(a * l.Alpha * S0 * S0 + b * l.Sigma * S1 * S1 + c * g, 2) / total;
        var (drift, noise) = (Of(l.AlphaDot, l.SigmaDot, 0), Of(0, 0, 1));
        return target switch { InterpolantTarget.Velocity => Of(l.AlphaDot, l.SigmaDot, gDot), InterpolantTarget.Noise => noise, _ => (drift + noise) / 2 };
    }

    private sealed class Gaussians : Coupling
    {
        public override CoupledBatch Couple(Tensor batch, Conditioning? condition, NoiseSource noise) => new(batch.alias(), noise.NextLike(batch).mul_(S1).add_(M1), condition);
    }

    private sealed class ExactInterpolant(NoiseSchedule path, LatentNoise latent, InterpolantTarget target) : DenoisingNetwork("Exact")
    {
        public override Tensor forward(Tensor input1, Tensor input2, Conditioning? input3)
        {
            using var scope = NewDisposeScope();
            var all = input2.min().eq(input2.max()).item<bool>() ? input2[..1] : input2; // one column where all samples have one time
            var times = all.data<double>().ToArray().Select(label => label / 1000).ToArray();
            Tensor Column(Func<double, double> value) => tensor(Array.ConvertAll(times, t => value(t))).view(-1, 1);
            Tensor Expect(Func<double, (double A, double B, double C)> factors)
            {
                double Slope(double t)
                {
                    var ((a, b, c), l) = (factors(t), path.At(t));
                    return (a * l.Alpha * S0 * S0 + b * l.Sigma * S1 * S1 + c * latent.At(t).Gamma) / Moments(path, latent, t).Variance;
                }

                return Column(t => factors(t).A * M0 + factors(t).B * M1) + Column(Slope) * (input1 - Column(t => Moments(path, latent, t).Mean));
            }

            var drift = Expect(t => (path.At(t).AlphaDot, path.At(t).SigmaDot, target == InterpolantTarget.Velocity ? latent.At(t).GammaDot : 0));
            var noise = Expect(_ => (0, 0, 1));
            return (target switch { InterpolantTarget.Velocity => drift, InterpolantTarget.Noise => noise, _ => cat([drift, noise], 1) }).MoveToOuterDisposeScope();
        }
    }
}
