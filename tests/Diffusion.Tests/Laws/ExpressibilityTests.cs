using Diffusion.Denoisers;
using Diffusion.Samplers;
using Xunit;

namespace Diffusion.Tests.Laws;

/// <summary>Samplers as a user would write them, with nothing but the public language: what it must be able to say.</summary>
public class ExpressibilityTests
{
    [Fact]
    public void AMultistepMethodFindsItsPastNoise()
    {
        var denoiser = new MixtureOracle(LawSchedules.Of("vp"));
        var grid = LawGrids.Of(denoiser.Schedule, 20, from: 20, to: 0.05);
        Assert.Equal(End(new LinearMultistepSampler(2), denoiser, grid), End(new TwoStep(), denoiser, grid), 1e-12);
    }

    [Fact]
    public void APredictorCorrectorCarriesItsCorrectedState()
    {
        // One evaluation a step, as many as Euler's method, and second order: halving the steps quarters the error.
        var denoiser = new MixtureOracle(LawSchedules.Of("cosine"));
        var exact = ExactFlow.OfMixture(14, 20, 0.05);
        double Error(int steps) => Math.Abs(End(new PredictCorrect(), denoiser, LawGrids.Of(denoiser.Schedule, steps, from: 20, to: 0.05)) - exact);
        ObservedOrder.Is(2, 64, Error);
    }

    [Fact]
    public void AnAdaptiveSolverChoosesItsOwnSteps()
    {
        var denoiser = new MixtureOracle(LawSchedules.Of("flow"));
        var exact = ExactFlow.OfMixture(14, 20, 0.05);
        var grid = LawGrids.Of(denoiser.Schedule, 1, from: 20, to: 0.05);
        Assert.Equal(exact, End(new EulerHeun(1e-5), denoiser, grid), 1e-3);
        Assert.Equal(exact, End(new EulerHeun(1e-7), denoiser, grid), 1e-5);
    }

    [Fact]
    public void TheFlowRunsUpwardAndBack()
    {
        var denoiser = new MixtureOracle(LawSchedules.Of("vp"));
        var down = LawGrids.Of(denoiser.Schedule, 400, Spacing.LogSnr, from: 20, to: 0.05);
        var up = new TimeGrid(denoiser.Schedule, [.. down.Reverse().Select(step => new GridStep(step.To, step.At.Level))]);
        foreach (var (sampler, tolerance) in new (Sampler, double)[] { (new RungeKutta4Sampler(), 1e-8), (new DdimSampler(), 2e-2) })
        {
            using var scope = NewDisposeScope();
            using var noise = NoiseSource.FromSeed(0);
            var data = tensor([-0.9, -0.5, 0.4, 0.75], float64).view(-1, 1) * up.Start.Alpha;
            var encoded = sampler.Sample(denoiser, data, up, noise);
            Assert.True(encoded.abs().max().item<double>() > 0.5 * up.End.Sigma / 20);
            var decoded = sampler.Sample(denoiser, encoded, down, noise);
            Assert.True((decoded - data).abs().max().item<double>() < tolerance);
        }
    }

    [Fact]
    public void ASamplerWrapsAnother()
    {
        // Each step of the inner sampler is taken twice, with the noise put back in between: a jump up and its step down, as in resampling.
        var schedule = LawSchedules.Of("vp");
        var denoiser = new GaussianDenoiser(schedule, 0, 0.5);
        var grid = LawGrids.Of(schedule, 200, from: 20, to: 0.05);
        var start = grid.Start.Alpha * grid.Start.Alpha * 0.25 + grid.Start.Sigma * grid.Start.Sigma;
        var (_, variance) = MomentPropagation.Of(new Again(new RungeKutta4Sampler()), denoiser, grid, 0, start);
        // An exact solver and an exact jump keep the marginals.
        Assert.Equal(grid.End.Alpha * grid.End.Alpha * 0.25 + grid.End.Sigma * grid.End.Sigma, variance, 1e-6);
    }

    private static double End(Sampler sampler, IDenoiser denoiser, TimeGrid grid)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        return sampler.Sample(denoiser, full(1, 14 * grid.Start.Alpha, dtype: float64), grid, noise).item<double>() / grid.End.Alpha;
    }

    // Adams–Bashforth of order 2 on uneven steps.
    private sealed class TwoStep : Sampler
    {
        protected internal override int HistoryLength => 1;

        protected override Tensor Step(SamplerStep step, Tensor x)
        {
            var (from, to) = (step.From, step.To);
            var h = to.NoiseToSignal - from.NoiseToSignal;
            var noise = step.Denoise(x).NoiseAt(x, from);
            var slope = noise;
            if (step.History is [var past, ..])
                slope = noise + (noise - past.Estimate.NoiseAt(past.State, past.Level)) * (h / (2 * (from.NoiseToSignal - past.Level.NoiseToSignal)));
            return (x / from.Alpha + h * slope) * to.Alpha;
        }
    }

    // Euler predicts; the estimate at the prediction corrects the state that it was made from, by the trapezoidal rule, before the next prediction.
    private sealed class PredictCorrect : Sampler
    {
        protected internal override int HistoryLength => 1;

        protected override Tensor Step(SamplerStep step, Tensor x)
        {
            var (from, to) = (step.From, step.To);
            var noise = step.Denoise(x).NoiseAt(x, from);
            var state = x / from.Alpha;
            if (step.Carry["state"] is { } last)
                state = last + (from.NoiseToSignal - step.History[0].Level.NoiseToSignal) / 2 * (step.Carry["noise"]! + noise);
            step.Carry["state"] = state;
            step.Carry["noise"] = noise;
            return (state + (to.NoiseToSignal - from.NoiseToSignal) * noise) * to.Alpha;
        }
    }

    // Heun's method with Euler's as its error, along log-SNR.
    private sealed class EulerHeun(double tolerance) : Sampler
    {
        protected override Tensor Run(SamplerRun run, Tensor x)
        {
            var (at, end, length) = (run.Grid.Start, run.Grid.End, 0.1);
            run.Total = null;
            while (at.LogSnr < end.LogSnr)
            {
                var to = at.LogSnr + length >= end.LogSnr ? end : run.Grid.Schedule.AtLogSnr(at.LogSnr + length);
                var error = 0.0;
                x = run.Advance(new GridStep(at, to), x, (step, state) =>
                {
                    var h = to.NoiseToSignal - at.NoiseToSignal;
                    var first = step.Denoise(state).NoiseAt(state, at);
                    var euler = (state / at.Alpha + h * first) * to.Alpha;
                    var heun = (state / at.Alpha + h / 2 * (first + step.Denoise(euler, to).NoiseAt(euler, to))) * to.Alpha;
                    error = (heun - euler).abs().max().item<double>() / to.Alpha / tolerance;
                    return error <= 1 ? heun : state;
                });
                if (error <= 1) at = to;
                length *= Math.Clamp(0.9 / Math.Sqrt(error + 1e-12), 0.2, 5);
            }

            return x;
        }

        protected override Tensor Step(SamplerStep step, Tensor x) => throw new NotSupportedException();
    }

    private sealed class Again(Sampler inner) : Sampler
    {
        protected override Tensor Run(SamplerRun run, Tensor x)
        {
            foreach (var step in run.Grid)
            {
                x = run.Step(inner, step, x);
                x = run.Advance(new GridStep(step.To, step.At.Level), x, (up, state) =>
                {
                    var jump = new Transition(up.To, up.From);
                    return state * jump.AlphaRatio + Math.Sqrt(jump.ForwardVariance) * up.Noise(state);
                });
                x = run.Step(inner, step, x);
            }

            return x;
        }

        protected override Tensor Step(SamplerStep step, Tensor x) => throw new NotSupportedException();
    }
}
