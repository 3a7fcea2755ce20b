using Diffusion.Denoisers;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Tests.Laws;
using Xunit;

namespace Diffusion.Tests.Samplers;

/// <summary>The adaptive solver against its algorithm (Lu et al. 2022, algorithm 3, with the step control of k-diffusion) written out once more in plain numbers, on σ = t and α = 1.</summary>
public class DpmAdaptiveReferenceTests
{
    [Theory]
    [InlineData(2, 0)]
    [InlineData(3, 0)]
    [InlineData(2, 0.8)]
    [InlineData(3, 0.8)]
    public void EveryTrialIsThatOfTheAlgorithm(int order, double eta)
    {
        using var scope = NewDisposeScope();
        var schedule = new KarrasSchedule(0.01, 20);
        var grid = TimeGrid.FromPoints(schedule, [schedule.At(1)], schedule.AtNoiseToSignal(0.02));
        var settings = new AdaptiveSettings(0.02, 0.001, 0.3, 0.2, 0.7, 0.1, 0.85);
        double[] start = [7, -0.4, -15];
        var (ends, states) = (new List<double>(), new List<double[]>());
        using var noise = NoiseSource.FromSeed(4);
        using var same = NoiseSource.FromSeed(4);
        var hooks = new SamplingHooks
        {
            OnStep = (step, x, _) =>
            {
                ends.Add(step.To.Sigma);
                states.Add(x.data<double>().ToArray());
            },
        };
        new DpmAdaptiveSampler(order, settings, eta).Sample(new GaussianMixtureDenoiser(schedule, ExactFlow.Mixture), tensor(start).unsqueeze(1), grid, noise, hooks);
        var expected = Reference(order, eta, settings, start, schedule.At(1).Sigma, 0.02, () => same.Next([3, 1], ScalarType.Float64, CPU).data<double>().ToArray());
        Assert.Contains(expected, trial => !trial.Accepted); // both outcomes are seen
        Assert.Equal(expected.Count, ends.Count);
        for (var i = 0; i < ends.Count; i++)
        {
            Assert.Equal(1, ends[i] / expected[i].Sigma, 1e-9);
            for (var k = 0; k < 3; k++) Assert.Equal(expected[i].State[k], states[i][k], 1e-8 * (1 + Math.Abs(states[i][k])));
        }
    }

    private static List<(double Sigma, bool Accepted, double[] State)> Reference(int order, double eta, AdaptiveSettings settings, double[] x, double sigma, double last, Func<double[]> noise)
    {
        var schedule = new KarrasSchedule(0.01, 20);
        var denoiser = new GaussianMixtureDenoiser(schedule, ExactFlow.Mixture);
        double[] Eps(double[] at, double s)
        {
            using var scope = NewDisposeScope();
            var data = denoiser.Denoise(tensor(at).unsqueeze(1), NoiseLevel.Of(1, s)).Data.data<double>().ToArray();
            return [.. at.Select((value, k) => (value - data[k]) / s)];
        }

        static double[] Add(double[] a, double factor, double[] b) => [.. a.Select((value, k) => value + factor * b[k])];
        var (trials, previous, length) = (new List<(double, bool, double[])>(), x, settings.FirstStep);
        double[]? inverse = null;
        var power = eta > 0 ? 1.5 : order;
        while (Math.Log(sigma / last) > 1e-5)
        {
            var next = Math.Max(last, sigma * Math.Exp(-length));
            var down = next;
            var up = 0.0;
            if (eta > 0)
            {
                up = Math.Min(next, eta * Math.Sqrt(next * next / (sigma * sigma) * (sigma * sigma - next * next)));
                down = Math.Max(last, Math.Sqrt(next * next - up * up));
                up = Math.Sqrt(Math.Max(0, next * next - down * down));
            }

            var h = Math.Log(sigma / down);
            double[] Move(double[] from, double[] eps, double fraction) => Add(from, sigma * Math.Exp(-fraction * h) - sigma, eps);
            double[] Second(double r, double[] e0, double[] e1)
            {
                var s1 = sigma * Math.Exp(-h);
                var first = Add(x, s1 - sigma, e0);
                return Add(first, -s1 / (2 * r) * (Math.Exp(h) - 1), [.. e1.Select((e, k) => e - e0[k])]);
            }

            var e0 = Eps(x, sigma);
            double[] low, high;
            if (order == 2)
            {
                var e1 = Eps(Move(x, e0, 0.5), sigma * Math.Exp(-h / 2));
                (low, high) = (Move(x, e0, 1), Second(0.5, e0, e1));
            }
            else
            {
                var e1 = Eps(Move(x, e0, 1.0 / 3), sigma * Math.Exp(-h / 3));
                var s2 = sigma * Math.Exp(-2 * h / 3);
                var u2 = Add(Move(x, e0, 2.0 / 3), -s2 * 2 * ((Math.Exp(2 * h / 3) - 1) / (2 * h / 3) - 1), [.. e1.Select((e, k) => e - e0[k])]);
                var e2 = Eps(u2, s2);
                low = Second(1.0 / 3, e0, e1);
                high = Add(Move(x, e0, 1), -down * 1.5 * ((Math.Exp(h) - 1) / h - 1), [.. e2.Select((e, k) => e - e0[k])]);
            }

            var error = Math.Sqrt(low.Select((value, k) => Math.Pow((value - high[k]) / Math.Max(settings.Absolute, settings.Relative * Math.Max(Math.Abs(value), Math.Abs(previous[k]))), 2)).Average());
            var newest = 1 / (error + 1e-8);
            inverse ??= [newest, newest, newest];
            inverse[0] = newest;
            var (p, i, d) = (settings.Proportional / power, settings.Integral / power, settings.Derivative / power);
            var factor = 1 + Math.Atan(Math.Pow(inverse[0], p + i + d) * Math.Pow(inverse[1], -p - 2 * d) * Math.Pow(inverse[2], d) - 1);
            var accepted = factor >= settings.Safety;
            if (accepted)
            {
                (inverse[2], inverse[1]) = (inverse[1], inverse[0]);
                (previous, x) = (low, up > 0 ? Add(high, up, noise()) : high);
                sigma = next;
            }

            trials.Add((next, accepted, x));
            length *= factor;
        }

        return trials;
    }
}
