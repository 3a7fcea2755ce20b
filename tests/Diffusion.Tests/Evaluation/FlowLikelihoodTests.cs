using Diffusion.Denoisers;
using Diffusion.Evaluation;
using Diffusion.Integration;
using Diffusion.Schedules;
using Diffusion.Tests.Training;
using Xunit;

namespace Diffusion.Tests.Evaluation;

public class FlowLikelihoodTests
{
    private const double Entropy = 0.3191399863; // of the mixture, nats, by quadrature

    private static readonly GaussianMixture Mixture = new([0.4, 0.6], new[,] { { -0.8 }, { 0.7 } }, new[,] { { Math.Sqrt(0.05) }, { Math.Sqrt(0.02) } });

    private static readonly (string Name, NoiseSchedule Schedule)[] Schedules =
    [
        ("vp", new VariancePreservingSchedule()),
        ("ve", new VarianceExplodingSchedule(0.001, 50)),
        ("sub-vp", new SubVariancePreservingSchedule()),
        ("edm", new KarrasSchedule(0.001)),
        ("flow", new RectifiedFlowSchedule()),
        ("cosine", new CosineSchedule()),
        ("trigonometric", new TrigonometricSchedule()),
        ("discrete", new DiscreteSchedule(BetaSchedule.Linear())),
        ("own sde", new LinearSdeSchedule(t => -4 - 4 * t, t => 8 + 8 * t * t)),
        ("ve form of vp", new VarianceExplodingForm(new VariancePreservingSchedule())),
    ];

    public static TheoryData<string> Names => [.. Schedules.Select(entry => entry.Name)];

    private static NoiseSchedule Of(string name) => Schedules.Single(entry => entry.Name == name).Schedule;

    private static FlowLikelihood Exact(double tolerance = 1e-8, NoisePrior? prior = null) =>
        new(new ErrorTolerance(tolerance, tolerance)) { Divergence = Divergence.Exact, Prior = prior ?? NoisePrior.Drawn };

    private static double LogNormal(double x, double mean, double variance) => -0.5 * ((x - mean) * (x - mean) / variance + Math.Log(2 * Math.PI * variance));

    [Theory]
    [MemberData(nameof(Names))]
    public void AGaussianHasItsOwnDensityOnEverySchedule(string name)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(1);
        var likelihood = Exact(prior: NoisePrior.OfData(0.3, 0.5));
        var x = tensor(new[] { -1.0, 0.2, 0.3, 0.7, 1.6, 0.9 }).view(3, 2);
        var found = likelihood.Evaluate(new GaussianDenoiser(Of(name), 0.3, 0.5), x, noise).LogDensity.data<double>().ToArray();
        var least = likelihood.Ends(Of(name)).Start.NoiseToSignal;
        for (var i = 0; i < 3; i++)
        {
            var (a, b) = (x[i, 0].item<double>(), x[i, 1].item<double>());
            Assert.Equal(LogNormal(a, 0.3, 0.25 + least * least) + LogNormal(b, 0.3, 0.25 + least * least), found[i], 2e-7); // the tolerance and what steps add
            Assert.Equal(LogNormal(a, 0.3, 0.25) + LogNormal(b, 0.3, 0.25), found[i], 1e-4); // and the noise that the flow starts at
        }
    }

    // The mean over the mixture by Simpson's rule, so that no draw has a part in it.
    [Theory]
    [MemberData(nameof(Names))]
    public void TheNegativeLogLikelihoodOfTheMixtureIsItsEntropyOnEverySchedule(string name)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(1);
        var likelihood = Exact(1e-7, NoisePrior.OfData(0.1, Math.Sqrt(0.572)));
        var schedule = Of(name);
        var x = linspace(-2, 2, 801, dtype: float64).view(-1, 1);
        var found = likelihood.Evaluate(new GaussianMixtureDenoiser(schedule, Mixture), x, noise).LogDensity;
        var smoothed = Mixture.LogDensity(x, NoiseLevel.Of(1, likelihood.Ends(schedule).Start.NoiseToSignal));
        var density = Mixture.LogDensity(x, schedule.Clean with { Alpha = 1 }).exp();
        Assert.True((found - smoothed).abs().mul(density).max().item<double>() < 1e-5);
        var weights = tensor(Enumerable.Range(0, 801).Select(i => 4.0 / 800 / 3 * (i is 0 or 800 ? 1 : i % 2 == 1 ? 4 : 2)).ToArray());
        Assert.Equal(Entropy, (weights * density * found).sum().neg().item<double>(), 1e-4);
    }

    // Reference values of N(0.3, 0.25) at 0.7 between σ = 0.002 and 80.
    [Fact]
    public void ThePriorAccountsForWhatIsLeftOfTheData()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(1);
        var denoiser = new GaussianDenoiser(new KarrasSchedule(), 0.3, 0.5);
        var x = full([1, 1], 0.7, float64);
        Assert.Equal(-0.5457942327, Exact(1e-9, NoisePrior.OfData(0.3, 0.5)).Evaluate(denoiser, x, noise).LogDensity.item<double>(), 1e-8);
        Assert.Equal(-0.5487942674, Exact(1e-9).Evaluate(denoiser, x, noise).LogDensity.item<double>(), 1e-8);
    }

    [Fact]
    public void RademacherProbesAreExactWhereTheJacobianIsDiagonal()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(3);
        var denoiser = new GaussianDenoiser(new CosineSchedule(), 0.1, 0.7);
        var x = noise.Next([4, 3, 2, 2], ScalarType.Float64, CPU);
        var exact = Exact().Evaluate(denoiser, x, noise);
        var estimated = new FlowLikelihood(new ErrorTolerance(1e-8, 1e-8)).Evaluate(denoiser, x, noise);
        Assert.True(exact.LogDensity.allclose(estimated.LogDensity, 0, 1e-9));
        Assert.Equal([4L], exact.LogDensity.shape);
        Assert.Equal(x.shape, exact.Latent.shape);
        Assert.True(exact.Evaluations > 7 && exact.Evaluations == estimated.Evaluations);
    }

    [Theory]
    [InlineData(ProbeDistribution.Rademacher)]
    [InlineData(ProbeDistribution.Gaussian)]
    public void HutchinsonIsRightOnAverage(ProbeDistribution distribution)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(5);
        var mixture = new GaussianMixture([0.5, 0.5], new[,] { { -0.5, -0.4, 0.2 }, { 0.6, 0.3, -0.2 } }, new[,] { { 0.3 }, { 0.5 } }); // its Jacobian is not diagonal
        var denoiser = new GaussianMixtureDenoiser(new RectifiedFlowSchedule(), mixture);
        var x = tensor(new[] { 0.1, 0.2, 0.0 }).view(1, 3).expand(4000, 3);
        var truth = Exact(1e-6).Evaluate(denoiser, x[..1], noise).LogDensity.item<double>();
        var found = new FlowLikelihood(new ErrorTolerance(1e-6, 1e-6)) { Divergence = Divergence.Hutchinson(distribution) }.Evaluate(denoiser, x, noise).LogDensity;
        var error = found.std().item<double>() / Math.Sqrt(4000);
        Assert.InRange(error, 1e-5, 0.1); // an estimate, not the exact value
        Assert.Equal(truth, found.mean().item<double>(), 4 * error);
    }

    [Theory]
    [InlineData(1e-4)]
    [InlineData(1e-6)]
    [InlineData(1e-8)]
    public void TheErrorKeepsToTheTolerance(double tolerance)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(1);
        var schedule = new RectifiedFlowSchedule();
        var x = Mixture.Sample(200, noise, ScalarType.Float64);
        var likelihood = Exact(tolerance);
        var smoothed = Mixture.LogDensity(x, NoiseLevel.Of(1, likelihood.Ends(schedule).Start.NoiseToSignal));
        var found = likelihood.Evaluate(new GaussianMixtureDenoiser(schedule, Mixture), x, noise).LogDensity;
        // A step is allowed the tolerance, some dozen steps are made, and errors grow along the flow.
        Assert.InRange((found - smoothed).square().mean().sqrt().item<double>(), 0, 20 * tolerance);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void DecodingUndoesEncoding(string name)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(7);
        var (schedule, likelihood) = (Of(name), Exact(1e-9));
        var x = Mixture.Sample(50, noise, ScalarType.Float64);
        var denoiser = new GaussianMixtureDenoiser(schedule, Mixture);
        var latent = likelihood.Encode(denoiser, x);
        Assert.True(likelihood.Decode(denoiser, latent).allclose(x, 0, 1e-6));
        Assert.True(latent.allclose(likelihood.Evaluate(denoiser, x, noise).Latent, 1e-6, 1e-6));
        // The map of a Gaussian is known: scaled about its mean by the ratio of deviations.
        var (start, end) = likelihood.Ends(schedule);
        double Deviation(NoiseLevel level) => double.Hypot(level.Alpha * 0.5, level.Sigma);
        var expected = 0.2 * end.Alpha + (x - 0.2) * start.Alpha * (Deviation(end) / Deviation(start));
        Assert.True(likelihood.Encode(new GaussianDenoiser(schedule, 0.2, 0.5), x).allclose(expected, 1e-6, 1e-6));
    }

    [Fact]
    public void GradientsAreNeitherNeededNorTouched()
    {
        using var scope = NewDisposeScope();
        using var network = new ScaleNetwork(0.5, 0.1, ScalarType.Float32);
        using var noise = NoiseSource.FromSeed(1);
        network.w.grad = full_like(network.w, 3);
        var denoiser = new NetworkDenoiser(network, new CosineSchedule(), Parameterization.V(NoiseLabel.Time()));
        var x = noise.Next([5, 1, 2, 2], ScalarType.Float32, CPU);
        var likelihood = new FlowLikelihood(new ErrorTolerance(1e-4, 1e-4));
        Tensor Run()
        {
            using var probes = NoiseSource.FromSeed(2);
            return likelihood.Evaluate(denoiser, x, probes).LogDensity;
        }

        var recorded = Run();
        Assert.False(recorded.requires_grad);
        using (no_grad()) Assert.True(Run().IsExactly(recorded));
        using var gradient = network.w.grad!;
        Assert.Equal(3, gradient.item<float>());
        Assert.True(network.b.grad is null);
        var before = LiveTensors.Count();
        Run().Dispose();
        Assert.InRange(LiveTensors.Count() - before, 0, 1); // the latent of that run is the scope's
    }

    [Fact]
    public void TheGradientOfADifferentiableLikelihoodIsTheScore()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(1);
        var likelihood = new FlowLikelihood(new ErrorTolerance(1e-7, 1e-7)) { Divergence = Divergence.Exact, Differentiable = true, LeastNoise = 0.05 };
        var x = tensor(new[] { -1.0, -0.4, 0.1, 0.6, 0.9 }).view(-1, 1).requires_grad_();
        likelihood.Evaluate(new GaussianMixtureDenoiser(new RectifiedFlowSchedule(), Mixture), x, noise).LogDensity.sum().backward();
        var copy = x.detach().requires_grad_();
        Mixture.LogDensity(copy, NoiseLevel.Of(1, 0.05)).sum().backward();
        Assert.True(x.grad!.allclose(copy.grad!, 0, 1e-4));
        Assert.True(copy.grad!.abs().min().item<double>() > 0.05);
    }

    [Fact]
    public void ANetworkOfNoiseNeedsAnEndWithData()
    {
        using var scope = NewDisposeScope();
        using var network = new ScaleNetwork(0.5, 0, ScalarType.Float32);
        using var noise = NoiseSource.FromSeed(1);
        var denoiser = new NetworkDenoiser(network, new CosineSchedule(), Parameterization.Epsilon());
        var x = noise.Next([2, 3], ScalarType.Float32, CPU);
        Assert.Contains("epsilon", Assert.Throws<ArgumentException>(() => new FlowLikelihood().Evaluate(denoiser, x, noise)).Message, StringComparison.Ordinal);
        Assert.True(new FlowLikelihood { MostNoise = 100 }.Evaluate(denoiser, x, noise).LogDensity.isfinite().all().item<bool>());
        Assert.Throws<ArgumentException>(() => new FlowLikelihood { MostNoise = 1e-4 }.Evaluate(denoiser, x, noise));
    }

    [Fact]
    public void ARunReportsItsStepsAndCanBeCancelled()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(1);
        var denoiser = new GaussianDenoiser(new CosineSchedule(), 0, 0.3);
        var x = ones(2, 2);
        var seen = new SamplingReports();
        var likelihood = new FlowLikelihood();
        var end = likelihood.Evaluate(denoiser, x, noise, seen).Evaluations;
        Assert.True(seen.All.Count > 2);
        Assert.Equal(Enumerable.Range(1, seen.All.Count), seen.All.Select(report => report.Step));
        Assert.Equal(end, seen.All[^1].Evaluations);
        Assert.Equal(double.NegativeInfinity, seen.All[^1].LogSnr);
        Assert.All(seen.All.Zip(seen.All.Skip(1)), pair => Assert.True(pair.Second.LogSnr < pair.First.LogSnr));
        using var cancellation = new CancellationTokenSource();
        var stops = new SamplingReports { OnReport = cancellation.Cancel };
        Assert.Throws<OperationCanceledException>(() => likelihood.Evaluate(denoiser, x, noise, stops, cancellation.Token));
        Assert.Single(stops.All);
    }
}
