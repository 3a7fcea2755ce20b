using Xunit;

namespace Diffusion.Tests.Laws;

public class FokkerPlanckTests
{
    [Theory, InlineData("vp"), InlineData("sub-vp"), InlineData("ve"), InlineData("karras"), InlineData("cosine"), InlineData("flow")]
    public void MarginalsSolveTheEquationOfTheirDriftAndDiffusion(string name)
    {
        // ∂p/∂t = −∂(f·x·p)/∂x + ½g²·∂²p/∂x², by differences of the fourth order.
        using var scope = NewDisposeScope();
        var schedule = LawSchedules.Of(name);
        foreach (var ratio in new[] { 0.3, 0.6, 1.2, 3 })
        {
            var level = schedule.AtNoiseToSignal(ratio);
            var x = linspace(-3, 3, 41, dtype: float64).mul(level.Alpha + level.Sigma);
            Tensor Density(double time, double shift) => ExactFlow.Mixture.LogDensity((x + shift).view(-1, 1), schedule.At(time)).exp();
            var (dt, dx) = (1e-3 * level.Sigma / level.SigmaDot, 5e-3 * (0.3 * level.Alpha + level.Sigma));
            var timeSlope = (Density(level.Time - 2 * dt, 0) - Density(level.Time - dt, 0) * 8 + Density(level.Time + dt, 0) * 8 - Density(level.Time + 2 * dt, 0)) / (12 * dt);
            var (p, left, right, farLeft, farRight) = (Density(level.Time, 0), Density(level.Time, -dx), Density(level.Time, dx), Density(level.Time, -2 * dx), Density(level.Time, 2 * dx));
            var slope = (farLeft - left * 8 + right * 8 - farRight) / (12 * dx);
            var curvature = (left * 16 + right * 16 - p * 30 - farLeft - farRight) / (12 * dx * dx);
            var residual = timeSlope + (p + x * slope) * level.Drift - curvature * (level.DiffusionSquared / 2);
            var scale = timeSlope.abs().max().item<double>();
            Assert.True(residual.abs().max().item<double>() < 1e-6 * scale, $"At σ/α = {ratio} the residual is {residual.abs().max().item<double>():e2} of {scale:e2}.");
        }
    }

    [Fact]
    public void TheLogDensityOfVariancePreservingSolvesItsOwnForm()
    {
        // ∂ ln p/∂t = ½β(Δ ln p + ‖∇ln p‖² + x·∇ln p + n) in two dimensions, with derivatives by automatic differentiation.
        using var scope = NewDisposeScope();
        var mixture = new Denoisers.GaussianMixture([0.3, 0.7], new[,] { { -1.0, 0.5 }, { 0.8, -0.2 } }, new[,] { { 0.3, 0.6 }, { 0.5, 0.4 } });
        var schedule = LawSchedules.Of("vp");
        const double t = 0.3, h = 1e-4;
        var x = tensor(new[,] { { 0.1, -0.2 }, { 1.5, 0.3 }, { -0.7, 0.9 } }).requires_grad_();
        var score = autograd.grad([mixture.LogDensity(x, schedule.At(t)).sum()], [x], retain_graph: true, create_graph: true)[0];
        var laplacian = zeros(3, dtype: float64);
        for (var i = 0; i < 2; i++) laplacian += autograd.grad([score.select(1, i).sum()], [x], retain_graph: true)[0].select(1, i);
        Tensor LogDensity(double time) => mixture.LogDensity(x.detach(), schedule.At(time));
        var timeSlope = (LogDensity(t - 2 * h) - LogDensity(t - h) * 8 + LogDensity(t + h) * 8 - LogDensity(t + 2 * h)) / (12 * h);
        var beta = 0.1 + 19.9 * t;
        var right = (laplacian + score.square().sum(1) + (x * score).sum(1) + 2) * (beta / 2);
        Assert.True(timeSlope.allclose(right.detach(), 1e-8, 1e-8));
    }
}
