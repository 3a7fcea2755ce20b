using Diffusion.Denoisers;
using Diffusion.Samplers;
using Xunit;

namespace Diffusion.Tests.Laws;

/// <summary>Gradients of what a denoiser answers with respect to the state, as posterior sampling takes them, are those of finite differences.</summary>
public class GradientTests
{
    public static TheoryData<string, bool> Clamping
    {
        get
        {
            var data = new TheoryData<string, bool>();
            foreach (var schedule in LawSchedules.Names)
            {
                data.Add(schedule, true);
                data.Add(schedule, false);
            }

            return data;
        }
    }

    [Theory, MemberData(nameof(Clamping))]
    public void ThroughGuidanceAndClampingIsThatOfFiniteDifferences(string schedule, bool keepNoise)
    {
        var denoiser = Guided(LawSchedules.Of(schedule), keepNoise);
        var at = denoiser.Schedule.AtNoiseToSignal(0.6);
        // Distance of the estimate from an observation and, so that a noise of its own counts too, of the next state from another.
        AssertGradient(at.Alpha, x =>
        {
            var estimate = denoiser.Denoise(x, at);
            return (estimate.Data - 0.4).square().sum() + (estimate.Mix(x, at, 0.9, 0.2) - 0.1).square().sum();
        });
    }

    [Fact]
    public void ThroughANetworkLeavesItsGradientsEmpty()
    {
        random.manual_seed(0);
        using var network = new Wave();
        network.train();
        var schedule = LawSchedules.Of("vp");
        var model = new NetworkDenoiser(network, schedule, Parameterization.V());
        var denoiser = new ClampedDenoiser(new ClassifierFreeGuidance(model, new GaussianDenoiser(schedule, 0.1, 0.7), 1.8), 1.1);
        var at = schedule.AtNoiseToSignal(0.6);
        AssertGradient(at.Alpha, x => (denoiser.Denoise(x, at).Data - 0.4).square().sum());
        Assert.All(network.parameters(), parameter => Assert.True(parameter.grad is null));
        Assert.True(network.training);
    }

    [Fact]
    public void APosteriorSamplerInsideARunTakesThem()
    {
        // x̂₀ moved down the gradient of ‖x̂₀ − y‖², taken while the run itself records no gradients.
        var guided = new Observed(Guided(LawSchedules.Of("vp"), keepNoise: false), 0.65, 0.4);
        using var noise = NoiseSource.FromSeed(0);
        using var scope = NewDisposeScope();
        var grid = LawGrids.ToData(guided.Schedule, 20, from: 20, to: 0.05);
        var start = noise.Next([64, 1], ScalarType.Float64, CPU).mul(grid.Start.Sigma);
        var plain = new HeunSampler().Sample(Guided(LawSchedules.Of("vp"), keepNoise: false), start, grid, noise);
        var observed = new HeunSampler().Sample(guided, start, grid, noise);
        Assert.False(observed.requires_grad);
        double Distance(Tensor x) => (x - 0.65).square().mean().item<double>();
        Assert.True(Distance(observed) < 0.5 * Distance(plain), $"{Distance(observed)} and without observation {Distance(plain)}");
    }

    private static ClampedDenoiser Guided(NoiseSchedule schedule, bool keepNoise) =>
        new(new ClassifierFreeGuidance(new GaussianMixtureDenoiser(schedule, ExactFlow.Mixture), new GaussianDenoiser(schedule, 0.1, 0.7), 2.5), 0.75, keepNoise);

    private static void AssertGradient(double alpha, Func<Tensor, Tensor> loss)
    {
        using var scope = NewDisposeScope();
        var points = tensor([-1.4, -0.9, -0.3, 0.05, 0.2, 0.5, 0.8, 1.3], float64).view(-1, 1) * alpha; // some clamped, some not
        var x = points.clone().requires_grad_();
        var value = loss(x);
        var gradient = autograd.grad([value], [x])[0].data<double>().ToArray();
        Assert.Contains(gradient, g => Math.Abs(g) > 0.1);
        const double h = 1e-5;
        for (var i = 0; i < gradient.Length; i++)
        {
            var step = zeros_like(points);
            step[i, 0] = h;
            var difference = (loss(points + step).item<double>() - loss(points - step).item<double>()) / (2 * h);
            Assert.Equal(difference, gradient[i], 1e-7 * Math.Max(1, Math.Abs(difference)));
        }
    }

    private sealed class Wave : DenoisingNetwork
    {
        private readonly TorchSharp.Modules.Linear _in = nn.Linear(1, 6, dtype: float64);
        private readonly TorchSharp.Modules.Linear _out = nn.Linear(6, 1, dtype: float64);

        public Wave() : base(nameof(Wave)) => RegisterComponents();

        public override Tensor forward(Tensor x, Tensor label, Conditioning? condition) => _out.call((_in.call(x) + label.view(-1, 1) / 1000).sin());
    }

    private sealed class Observed(IDenoiser inner, double observation, double rate) : DenoiserDecorator(inner)
    {
        public override Estimate Denoise(Tensor x, NoisePoint at)
        {
            using var scope = NewDisposeScope();
            using var record = enable_grad();
            var state = x.detach().requires_grad_();
            var data = Inner[0].Denoise(state, at).Data;
            var gradient = autograd.grad([(data - observation).square().sum()], [state])[0];
            return new Estimate((data.detach() - rate * gradient).MoveToOuterDisposeScope());
        }

        protected override IDenoiser Around(IReadOnlyList<IDenoiser> inner) => new Observed(inner[0], observation, rate);
    }
}
