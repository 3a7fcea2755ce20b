using Diffusion.Denoisers;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Tests.Laws;
using Xunit;
using static Diffusion.Tests.Samplers.ScriptedDenoiser;

namespace Diffusion.Tests.Samplers;

public class UniPcSamplerTests
{
    private static readonly VariancePreservingSchedule _schedule = new();
    private static readonly TimeGrid _grid = TimeGrid.FromTimes(_schedule, [0.9, 0.8, 0.55, 0.4, 0.33], _schedule.At(0.2));

    [Fact]
    public void SecondOrderMakesTheRecordedErrors() => RecordedErrors.Are(
        [2.838e-2, 3.443e-3, 4.196e-4, 5.161e-5, 6.393e-6, 7.952e-7, 9.914e-8], _ => new UniPcSampler(2), extraSteps: 1);

    [Fact]
    public void ThirdOrderMakesTheRecordedErrors() => RecordedErrors.Are(
        [3.502e-2, 1.341e-3, 8.540e-5, 5.326e-6, 3.312e-7, 2.062e-8, 1.286e-9], _ => new UniPcSampler(3), extraSteps: 1);

    [Fact]
    public void ThirdOrderWithoutCorrectorMakesTheErrorsOfTheCorrectedDpmSolver() => RecordedErrors.Are(
        [4.235e-2, 2.252e-3, 2.614e-4, 3.137e-5, 3.845e-6, 4.763e-7, 5.938e-8], _ => new UniPcSampler(3, corrects: false));

    [Fact]
    public void PredictorOfThirdOrderIsTheCorrectedDpmSolver()
    {
        var denoiser = new GaussianMixtureDenoiser(_schedule, ExactFlow.Mixture);
        Assert.Equal(States(DpmSolver(SecondOrder.Midpoint), denoiser, _grid, 1.1)[^1], States(new UniPcSampler(3, corrects: false), denoiser, _grid, 1.1)[^1], 1e-13);
        static Sampler DpmSolver(SecondOrder second) => new DpmSolverMultistepSampler(3, second: second);
    }

    // The linear system of the paper, solved here by elimination, against a whole run.
    [Theory]
    [InlineData(1, true, true), InlineData(2, true, true), InlineData(3, true, true), InlineData(4, true, true)]
    [InlineData(2, false, true), InlineData(3, false, true), InlineData(2, true, false), InlineData(3, true, false)]
    [InlineData(3, true, true, true), InlineData(2, true, false, true)]
    public void RunIsThatOfThePapersLinearSystem(int order, bool bh2, bool inTheData, bool descends = false)
    {
        // A step's corrector has the order of its predictor.
        int OrderOf(int step) => Math.Min(descends ? Math.Min(order, _grid.Count - step) : order, step + 1);
        var data = (NoiseLevel level) => Math.Sin(1 + Lambda(level)) + 0.2 * Lambda(level);
        var sampler = new UniPcSampler(order, inTheData ? SolverVariable.Data : SolverVariable.Noise, bh2 ? UniPcScale.Bh2 : UniPcScale.Bh1, descends ? MultistepEnding.Descending : default);
        var states = States(sampler, new ScriptedDenoiser(_schedule, data), _grid, 0.7);
        var levels = _grid.Select(step => step.At.Level).Append(_grid.End).ToArray();
        var (corrected, models) = (0.0, new List<double>());
        for (var i = 0; i < _grid.Count; i++)
        {
            var model = inTheData ? data(levels[i]) : (states[i] - levels[i].Alpha * data(levels[i])) / levels[i].Sigma;
            corrected = i == 0 ? states[0] : Update(corrected, i - 1, OrderOf(i - 1), model);
            models.Add(model);
            Assert.Equal(states[i + 1], Update(corrected, i, OrderOf(i), null), 1e-10);
        }

        double Update(double x, int i, int p, double? end)
        {
            var (from, to) = (levels[i], levels[i + 1]);
            var h = Lambda(to) - Lambda(from);
            var z = inTheData ? -h : h;
            var b = bh2 ? Math.Exp(z) - 1 : z;
            var nodes = Enumerable.Range(1, p - 1).Select(k => (Lambda(levels[i - k]) - Lambda(from)) / h).Append(1).ToArray();
            var unknowns = end is null ? p - 1 : p;
            var (phi, factorial) = ((Math.Exp(z) - 1) / z - 1, 1.0);
            var right = new double[unknowns];
            for (var j = 0; j < unknowns; j++)
            {
                factorial *= j + 1;
                right[j] = phi * factorial / b;
                phi = phi / z - 1 / (factorial * (j + 2));
            }

            var rho = (end is null && p == 2) || (end is not null && p == 1) ? [0.5] : Solve(nodes[..unknowns], right);
            var sum = 0.0;
            for (var k = 0; k < unknowns; k++)
                sum += rho[k] * ((k == p - 1 ? end!.Value : models[i - k - 1]) - models[i]) / nodes[k];
            var (state, scale) = inTheData ? (to.Sigma / from.Sigma, to.Alpha) : (to.Alpha / from.Alpha, to.Sigma);
            return state * x - scale * (Math.Exp(z) - 1) * models[i] - scale * b * sum;
        }
    }

    [Fact]
    public void UncorrectedStepsAreThoseThatAreNamed()
    {
        var denoiser = new GaussianMixtureDenoiser(_schedule, ExactFlow.Mixture);
        double[] Run(Sampler sampler) => States(sampler, denoiser, _grid, 1.1);
        var (all, none) = (Run(new UniPcSampler(2)), Run(new UniPcSampler(2, corrects: false)));
        Assert.Equal(none, Run(new UniPcSampler(2, uncorrected: [0, 1, 2, 3])));
        var first = Run(new UniPcSampler(2, uncorrected: [0]));
        Assert.Equal(none[2], first[2]);
        Assert.NotEqual(all[2], first[2]);
        Assert.NotEqual(none[3], first[3]);
    }

    [Fact]
    public void StepThatGoesNowhereOnlyCorrects()
    {
        var denoiser = new GaussianMixtureDenoiser(_schedule, ExactFlow.Mixture);
        var longer = new TimeGrid(_schedule, [.. _grid, new GridStep(_grid.End, _grid.End), new GridStep(_grid.End, _grid.End)]);
        var states = States(new UniPcSampler(3), denoiser, longer, 1.1);
        Assert.NotEqual(states[5], states[6], 1e-6);
        Assert.Equal(states[6], states[7], 1e-15);
    }

    [Theory, InlineData(0), InlineData(5)]
    public void RejectsOrdersThatItDoesNotHave(int order) => Assert.Throws<ArgumentOutOfRangeException>(() => new UniPcSampler(order));

    // Σ_k nodes_k^{j}·ρ_k = right_j.
    private static double[] Solve(double[] nodes, double[] right)
    {
        var n = nodes.Length;
        var rows = Enumerable.Range(0, n).Select(j => nodes.Select(r => Math.Pow(r, j)).Append(right[j]).ToArray()).ToArray();
        for (var pivot = 0; pivot < n; pivot++)
            for (var row = 0; row < n; row++)
            {
                if (row == pivot) continue;
                var factor = rows[row][pivot] / rows[pivot][pivot];
                for (var column = pivot; column <= n; column++) rows[row][column] -= factor * rows[pivot][column];
            }

        return [.. rows.Select((row, j) => row[n] / row[j])];
    }
}
