using Diffusion.Denoisers;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Tests.Laws;
using Xunit;
using static Diffusion.Tests.Samplers.ScriptedDenoiser;

namespace Diffusion.Tests.Samplers;

public class SaSolverSamplerTests
{
    private static readonly VariancePreservingSchedule _schedule = new();
    private static readonly TimeGrid _grid = TimeGrid.FromTimes(_schedule, [0.9, 0.8, 0.55, 0.4, 0.33], _schedule.At(0.2));

    [Fact]
    public void FlowOfThirdOrderWithCorrectorMakesTheRecordedErrorsOfUniPc() => RecordedErrors.Are(
        [double.NaN, 1.341e-3, 8.540e-5, 5.326e-6, 3.312e-7, 2.062e-8, 1.286e-9], _ => new SaSolverSampler(_ => 0, 3, 4), extraSteps: 1);

    [Fact]
    public void FirstOrderWithoutCorrectorIsDdpm()
    {
        var denoiser = new GaussianDenoiser(_schedule, 0.3, 0.6);
        var ddpm = MomentPropagation.Of(new DdpmSampler(), denoiser, _grid, 0.1, 1);
        var adams = MomentPropagation.Of(new SaSolverSampler(null, 1, 0), denoiser, _grid, 0.1, 1);
        Assert.Equal(ddpm.Mean, adams.Mean, 1e-12);
        Assert.Equal(ddpm.Variance, adams.Variance, 1e-12);
    }

    [Fact]
    public void AsPublishedWeighsTwoEstimatesLikeUniPc()
    {
        // ½H is UniPC's B(h)·½ with bh1; in the corrector of two estimates too.
        var denoiser = new GaussianMixtureDenoiser(_schedule, ExactFlow.Mixture);
        var published = States(new SaSolverSampler(_ => 0, 2, 0, asPublished: true), denoiser, _grid, 1.2);
        var uni = States(new UniPcSampler(2, scale: UniPcScale.Bh1, corrects: false), denoiser, _grid, 1.2);
        Assert.Equal(uni[^1], published[^1], 1e-13);
        var corrected = States(new SaSolverSampler(_ => 0, 1, 2, asPublished: true), denoiser, _grid, 1.2);
        Assert.Equal(States(new UniPcSampler(1, scale: UniPcScale.Bh1), denoiser, _grid, 1.2)[^1], corrected[^1], 1e-13);
    }

    [Fact]
    public void CorrectorOfOneEstimateRepeatsTheStepWithTheNewOne()
    {
        var denoiser = new ScriptedDenoiser(_schedule, level => Math.Sin(Lambda(level)));
        var grid = TimeGrid.FromTimes(_schedule, [0.9, 0.8], _schedule.At(0.55));
        var (first, second, third) = (_schedule.At(0.9), _schedule.At(0.8), _schedule.At(0.55));
        static double Solve(double x, NoiseLevel from, NoiseLevel to, double data) =>
            to.Sigma / from.Sigma * x + to.Alpha * (1 - Math.Exp(Lambda(from) - Lambda(to))) * data;
        var model = Math.Sin(Lambda(second));
        var expected = Solve(Solve(0.4, first, second, model), second, third, model);
        Assert.Equal(expected, States(new SaSolverSampler(_ => 0, 1, 1), denoiser, grid, 0.4)[^1], 1e-13);
    }

    // Without noise a whole run is σ'/σ·x + σ'·∫ e^λ·P(λ) dλ with P through the estimates of each step, the integral here by quadrature. A corrector has one estimate more than its step may have.
    [Theory]
    [InlineData(2, 2, false), InlineData(3, 4, false), InlineData(1, 3, false), InlineData(2, 1, false)]
    [InlineData(3, 4, true), InlineData(2, 3, true), InlineData(4, 5, true)]
    public void ARunIntegratesThePolynomialsOfItsEstimates(int predictor, int corrector, bool descends)
    {
        var grid = TimeGrid.FromTimes(_schedule, [0.9, 0.85, 0.75, 0.7, 0.55, 0.45], _schedule.At(0.3));
        static double Data(NoiseLevel level) => Math.Sin(1 + Lambda(level));
        var states = States(new SaSolverSampler(_ => 0, predictor, corrector, ending: descends ? MultistepEnding.Descending : default), new ScriptedDenoiser(_schedule, Data), grid, 0.7);
        var levels = grid.Select(step => step.At.Level).Append(grid.End).ToArray();
        int Most(int order, int step) => descends ? Math.Min(order, grid.Count - step) : order;
        var corrected = 0.7;
        for (var i = 0; i < grid.Count; i++)
        {
            if (i > 0) corrected = Adams(corrected, i - 1, i, Math.Min(corrector, Most(corrector, i - 1) + 1));
            Assert.Equal(Adams(corrected, i, i, Most(predictor, i)), states[i + 1], 1e-10);
        }

        double Adams(double x, int step, int newest, int estimates)
        {
            var (from, to) = (levels[step], levels[step + 1]);
            var nodes = levels[Math.Max(0, newest + 1 - estimates)..(newest + 1)];
            double Polynomial(double at) => nodes.Sum(node => Data(node) * nodes.Where(other => other != node).Aggregate(1.0, (product, other) => product * (at - Lambda(other)) / (Lambda(node) - Lambda(other))));
            return to.Sigma / from.Sigma * x + to.Sigma * new GaussLegendre(16).Integrate(at => Math.Exp(at) * Polynomial(at), Lambda(from), Lambda(to));
        }
    }

    [Fact]
    public void CorrectorUsesTheNoiseOfItsPredictor()
    {
        // The data does not depend on the state, so the corrected state differs from the predicted one by the weights of the data alone, whatever the noise.
        var denoiser = new ScriptedDenoiser(_schedule, level => Math.Sin(Lambda(level)));
        double Correction(NoiseSource noise)
        {
            using (noise)
            {
                var grid = new TimeGrid(_schedule, [_grid[0], new GridStep(_grid[0].To, _grid[0].To)]);
                var states = States(new SaSolverSampler(null, 1, 2), denoiser, grid, 0.4, noise);
                return states[2] - states[1];
            }
        }

        Assert.Equal(Correction(new SilentNoise()), Correction(NoiseSource.FromSeed(8)), 1e-12);
    }

    [Fact]
    public void TauIsThatOfThePointWhereTheStepStarts()
    {
        var asked = new List<double>();
        double Tau(NoisePoint at)
        {
            asked.Add(at.Level.Time);
            return at.Level.Time > 0.5 ? 1 : 0;
        }

        States(new SaSolverSampler(Tau), new GaussianDenoiser(_schedule), _grid, 0.4);
        Assert.Equal([0.9, 0.8, 0.9, 0.55, 0.8, 0.4, 0.55, 0.33, 0.4], asked);
    }

    [Fact]
    public void RejectsNegativeTau()
    {
        Assert.Throws<InvalidOperationException>(() => States(new SaSolverSampler(_ => -1), new GaussianDenoiser(_schedule), _grid, 0.4));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SaSolverSampler(predictorOrder: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SaSolverSampler(correctorOrder: 6));
    }
}
