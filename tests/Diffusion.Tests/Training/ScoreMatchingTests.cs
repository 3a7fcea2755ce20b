using Diffusion.Schedules;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Training;

public class ScoreMatchingTests
{
    // s = −(x − μ)/v on data of mean m and variance s²: 2J = (s² + (m − μ)²)/v² − 2/v, least at the moments. Two points have the moments exactly. (systems.md 1.2, row 11)
    [Theory]
    [InlineData(0.3, 0.25)]
    [InlineData(0, 1)]
    [InlineData(-1, 0.6)]
    public void OfALinearScoreItTakesItsClosedForm(double mu, double v)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(1);
        const double mean = 0.3, deviation = 0.5;
        var x = tensor([mean - deviation, mean + deviation]).view(2, 1);
        var expected = (deviation * deviation + (mean - mu) * (mean - mu)) / (v * v) - 2 / v;
        foreach (var matching in new[] { ScoreMatching.Explicit, ScoreMatching.Sliced(), ScoreMatching.SlicedWithVarianceReduction(projections: 3) }) // in one dimension Rademacher is exact
            Assert.Equal(expected, matching.Evaluate(y => (y - mu) / -v, x, noise).mean().item<double>(), 1e-12);
        // F = J + E‖s‖²/2 with the true score: twice that is −1/s² at the moments, and nowhere less.
        Assert.True(expected >= -1 / (deviation * deviation) - 1e-12);
    }

    [Fact]
    public void ItsMinimumIsAtTheMoments()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(1);
        var x = tensor([-0.2, 0.8]).view(2, 1); // mean 0.3, variance 0.25
        var mu = tensor(0.3, float64).requires_grad_();
        var v = tensor(0.25, float64).requires_grad_();
        var loss = ScoreMatching.Explicit.Evaluate(y => (mu - y) / v, x, noise).mean();
        Assert.Equal(-4, loss.item<double>(), 1e-12);
        foreach (var gradient in autograd.grad([loss], [mu, v])) Assert.Equal(0, gradient.item<double>(), 1e-12);
    }

    // On a score whose Jacobian is diagonal, Rademacher projections give its trace without any noise.
    [Fact]
    public void RademacherProjectionsOfADiagonalJacobianAreExact()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(2);
        var x = noise.Next([50, 4], float64, CPU);
        static Tensor Score(Tensor y) => y.pow(3).neg() - 2 * y.sin();
        var exact = ScoreMatching.Explicit.Evaluate(Score, x, noise);
        var sliced = ScoreMatching.SlicedWithVarianceReduction().Evaluate(Score, x, noise);
        Assert.True((exact - sliced).abs().max().item<double>() < 1e-11 * exact.abs().max().item<double>());
    }

    // At one point of a score with a full Jacobian, repeated: the mean over projections is the exact value.
    [Theory]
    [InlineData(ProbeDistribution.Rademacher)]
    [InlineData(ProbeDistribution.Gaussian)]
    public void SlicedEstimatesAreRightOnAverage(ProbeDistribution distribution)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(3);
        var (first, second) = (noise.Next([3, 5], float64, CPU), noise.Next([5, 3], float64, CPU));
        Tensor Score(Tensor y) => y.mm(first).tanh().mm(second);
        var point = noise.Next([1, 3], float64, CPU);
        var exact = ScoreMatching.Explicit.Evaluate(Score, point, noise).item<double>();
        var many = point.expand(40_000, 3);
        foreach (var (matching, ofFour) in new[]
        {
            (ScoreMatching.Sliced(distribution), ScoreMatching.Sliced(distribution, 4)),
            (ScoreMatching.SlicedWithVarianceReduction(distribution), ScoreMatching.SlicedWithVarianceReduction(distribution, 4)),
        })
        {
            var estimates = matching.Evaluate(Score, many, noise);
            var error = estimates.std().item<double>() / Math.Sqrt(40_000);
            Assert.True(error > 0);
            Assert.InRange(estimates.mean().item<double>() - exact, -4 * error, 4 * error);
            // Several projections are the mean of as many single ones.
            var single = estimates.var().item<double>();
            Assert.Equal(single / 4, ofFour.Evaluate(Score, many, noise).var().item<double>(), 0.1 * single / 4);
        }
    }

    // Variance reduction is no law: for s = −x in one dimension with normal projections the variances of J are 2 and 2.5.
    [Fact]
    public void InOneDimensionWithNormalProjectionsTheReductionRaisesTheVariance()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(4);
        var x = noise.Next([1_000_000, 1], float64, CPU);
        void Has(double variance, ScoreMatching matching)
        {
            var j = matching.Evaluate(y => y.neg(), x, noise) / 2;
            var squares = (j - j.mean()).square();
            var error = squares.std().item<double>() / 1000;
            Assert.InRange(squares.mean().item<double>() - variance, -4 * error, 4 * error);
        }

        Has(2, ScoreMatching.Sliced(ProbeDistribution.Gaussian));
        Has(2.5, ScoreMatching.SlicedWithVarianceReduction(ProbeDistribution.Gaussian));
    }

    [Fact]
    public void HutchinsonsTraceIsRightOnAverage()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(5);
        var matrix = noise.Next([4, 4], float64, CPU);
        var trace = matrix.diagonal(0, 0, 1).sum().item<double>();
        var x = zeros(40_000, 4, float64).requires_grad_();
        foreach (var distribution in Enum.GetValues<ProbeDistribution>())
        {
            var way = Divergence.Hutchinson(distribution);
            var estimates = way.Of(x.mm(matrix), x, way.Probes(x, noise), differentiable: false);
            var error = estimates.std().item<double>() / Math.Sqrt(40_000);
            Assert.InRange(estimates.mean().item<double>() - trace, -4 * error, 4 * error);
        }

        var one = x[..1].detach().requires_grad_();
        Assert.Equal(trace, Divergence.Exact.Of(one.mm(matrix), one, [], differentiable: false).item<double>(), 1e-12);
    }

    // With weight σ² and a linear network: E‖ε − ε̂‖² = E σ²(‖s‖² + 2·tr ∇s) + 1 a number, whatever the network, because E[s·ε] = σ·E[tr ∇s].
    [Fact]
    public void AtTheLevelsTheDenoisingLossIsOneMore()
    {
        using var scope = NewDisposeScope();
        var (schedule, parameterization) = (new VariancePreservingSchedule(), Parameterization.Score(NoiseLabel.Time()));
        var times = TimeDistribution.Of(_ => 0.3);
        var denoising = new DenoisingObjective(schedule, parameterization) { Weighting = LossWeighting.Snr, Times = times };
        foreach (var matching in new[] { ScoreMatching.Explicit, ScoreMatching.Sliced(ProbeDistribution.Gaussian), ScoreMatching.SlicedWithVarianceReduction() })
        {
            var score = new ScoreMatchingObjective(matching, schedule, parameterization) { Times = times };
            foreach (var weight in new[] { -2.0, -0.9, 0.4 })
            {
                using var network = new ScaleNetwork(weight, 0.2);
                using var data = NoiseSource.FromSeed(6);
                var x0 = data.Next([50_000, 2], float64, CPU).mul_(0.5).add_(0.3);
                using var first = NoiseSource.FromSeed(7);
                using var second = NoiseSource.FromSeed(7);
                using var frozen = no_grad();
                var difference = denoising.Terms(network, x0, null, first).PerSample! - score.Terms(network, x0, null, second).PerSample!;
                var error = difference.std().item<double>() / Math.Sqrt(50_000);
                Assert.InRange(difference.mean().item<double>() - 1, -4 * error, 4 * error);
            }
        }
    }

    // The exact score of blurred Gaussian data: σ²(‖s‖² + 2s′) has the mean −σ²/(α²s² + σ²), the floor of the denoising loss less 1.
    [Fact]
    public void TheExactScoreReachesTheFloor()
    {
        using var scope = NewDisposeScope();
        var (schedule, parameterization) = (new CosineSchedule(), Parameterization.V(NoiseLabel.Time()));
        using var network = new ExactGaussianNetwork(parameterization, schedule.At, 0.3, 0.5);
        using var noise = NoiseSource.FromSeed(8);
        var x0 = noise.Next([200_000, 1], float64, CPU).mul_(0.5).add_(0.3);
        foreach (var time in new[] { 0.05, 0.5, 0.9 })
        {
            var level = schedule.At(time);
            var objective = new ScoreMatchingObjective(ScoreMatching.Explicit, schedule, parameterization) { Times = TimeDistribution.Of(_ => time) };
            var terms = objective.Terms(network, x0, null, noise);
            var floor = -level.Sigma * level.Sigma / (level.Alpha * level.Alpha * 0.25 + level.Sigma * level.Sigma);
            var error = terms.PerSample!.std().item<double>() / Math.Sqrt(200_000);
            Assert.InRange(terms.Loss.item<double>() - floor, -4 * error, 4 * error);
        }
    }

    // A linear network by EDM's factors: s = (α·x̂₀ − x)/σ² is k·x + c, and 2·tr ∇s + ‖s‖² is 2·k·D + ‖k·x + c‖².
    [Fact]
    public void TheScoreHasTheFactorsOfTheParameterization()
    {
        using var scope = NewDisposeScope();
        var (schedule, parameterization) = (new VariancePreservingSchedule(), Parameterization.Edm(0.7));
        using var network = new ScaleNetwork(0.4, 0.3);
        using var noise = NoiseSource.FromSeed(6);
        using var same = NoiseSource.FromSeed(6);
        var x0 = randn(3, 2, dtype: float64);
        var terms = new ScoreMatchingObjective(ScoreMatching.Explicit, schedule, parameterization) { Times = TimeDistribution.Among(0.4) }.Terms(network, x0, null, noise);
        var level = schedule.At(0.4);
        var s = parameterization.At(level);
        var x = x0 * level.Alpha + same.NextLike(x0) * level.Sigma;
        var variance = level.Sigma * level.Sigma;
        var k = (level.Alpha * (s.Skip + s.Out * 0.4 * s.In) - 1) / variance;
        var c = level.Alpha * s.Out * 0.3 * s.Label / variance;
        var expected = (4 * k + (x * k + c).square().sum([1L])) * (variance / 2); // σ² a number
        Assert.True(terms.PerSample!.allclose(expected, 1e-10, 1e-10));
    }

    [Fact]
    public void OnCleanDataTheNetworkIsTheScoreItself()
    {
        using var scope = NewDisposeScope();
        using var network = new ScaleNetwork(-2, 7); // the label is 0, so that its factor does nothing
        using var noise = NoiseSource.FromSeed(9);
        var x0 = tensor([-0.5, 0.5, 0.5, -0.5]).view(2, 2);
        var loss = new ScoreMatchingObjective(ScoreMatching.Explicit).Loss(network, x0, null, noise);
        Assert.Equal(4 * 0.25 - 4, loss.item<double>(), 1e-12);
        loss.backward();
        Assert.Equal(2 * -2 * 0.25 + 2, network.w.grad!.item<double>(), 1e-12);
        Assert.Equal(0, network.b.grad!.item<double>(), 1e-12);
    }

    // The derivative of a second derivative, against differences: what training follows.
    [Fact]
    public void ItsGradientIsThatOfFiniteDifferences()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(1).Dispose();
        using var module = nn.Sequential(nn.Linear(2, 6), nn.SiLU(), nn.Linear(6, 2));
        module.to(float64);
        using var data = NoiseSource.FromSeed(10);
        var x = data.Next([5, 2], float64, CPU);
        var parameter = module.parameters().First();
        foreach (var matching in new[] { ScoreMatching.Explicit, ScoreMatching.Sliced(projections: 2), ScoreMatching.SlicedWithVarianceReduction() })
        {
            Tensor Loss()
            {
                using var noise = NoiseSource.FromSeed(11);
                return matching.Evaluate(module.call, x, noise).mean();
            }

            module.zero_grad();
            Loss().backward();
            var slope = parameter.grad![0, 1].item<double>();
            using var frozen = no_grad();
            double At(double shift)
            {
                parameter[0, 1] = parameter[0, 1] + shift;
                var value = Loss().item<double>();
                parameter[0, 1] = parameter[0, 1] - shift;
                return value;
            }

            Assert.Equal((At(1e-5) - At(-1e-5)) / 2e-5, slope, 1e-6 * Math.Max(1, Math.Abs(slope)));
        }
    }

    [Fact]
    public void RefusesWhatItCannotMatch()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(1);
        using var network = new ScaleNetwork();
        var x0 = ones(2, 3, float64);
        Assert.Throws<InvalidOperationException>(() => ScoreMatching.Explicit.Evaluate(x => x.sum(1), x0, noise));
        Assert.Throws<InvalidOperationException>(() => ScoreMatching.Explicit.Evaluate(x => ones_like(x), x0, noise)); // a score that does not depend on its argument
        Assert.Throws<ArgumentException>(() => ScoreMatching.Explicit.Evaluate(x => x, ones(3), noise));
        Assert.Throws<ArgumentOutOfRangeException>(() => ScoreMatching.Sliced(projections: 0));
        var clean = new ScoreMatchingObjective(ScoreMatching.Explicit, new CosineSchedule(), Parameterization.Score()) { Times = TimeDistribution.Of(_ => 0) };
        Assert.Contains("Draw times", Assert.Throws<InvalidOperationException>(() => clean.Loss(network, x0, null, noise)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => clean.Loss(network, x0, Conditioning.ForClasses([1]), noise));
        Assert.Throws<ArgumentNullException>(() => new ScoreMatchingObjective(null!));
        Assert.Throws<ArgumentNullException>(() => new ScoreMatchingObjective(ScoreMatching.Explicit) { Weighting = null! });
    }

    [Fact]
    public void LeavesNothingBehind()
    {
        using var scope = NewDisposeScope();
        using var network = new ScaleNetwork();
        using var noise = NoiseSource.FromSeed(1);
        var x0 = ones(2, 3, float64);
        foreach (var objective in new[]
        {
            new ScoreMatchingObjective(ScoreMatching.Sliced(projections: 2)),
            new ScoreMatchingObjective(ScoreMatching.Explicit, new RectifiedFlowSchedule(), Parameterization.Velocity()) { Times = TimeDistribution.Uniform(0.1, 0.9) },
        })
        {
            objective.Loss(network, x0, null, noise).Dispose();
            var before = LiveTensors.Count();
            var loss = objective.Loss(network, x0, null, noise);
            Assert.Equal(before + 1, LiveTensors.Count());
            Assert.False(x0.IsInvalid);
            loss.Dispose();
        }
    }
}
