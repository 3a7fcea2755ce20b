using Diffusion.Samplers;
using Xunit;

namespace Diffusion.Tests.Laws;

/// <summary>
/// Every recurrence once more in plain numbers, as the papers have it in x̂ = x/α and σ̂ = σ/α, against the samplers on a schedule where α is not 1. The mixture is
/// not linear, so a wrong weight anywhere shows.
/// </summary>
public class PlainRecurrenceTests
{
    private const int Steps = 9;
    private static readonly double[] _noise = [0.3, -1.2, 0.7, 1.9, -0.4, -0.9, 0.1, 1.4, -2.1, 0.6, 0.2, -0.3, 1.1, 0.8, -1.7, 0.5, -0.2, 0.9];

    [Fact]
    public void DdimAndEulerAncestral()
    {
        foreach (var eta in new[] { 0, 0.6, 1 })
            Agrees(new EulerAncestralSampler(eta), run => run.EachStep((x, from, to) =>
            {
                var up = Math.Min(to, eta * Math.Sqrt(to * to * (from * from - to * to) / (from * from)));
                var down = Math.Sqrt(to * to - up * up);
                x += (down - from) * run.Slope(x, from);
                return eta > 0 ? x + up * run.Next() : x;
            }));
    }

    [Fact]
    public void HeunWithChurnAndItsRelatives()
    {
        foreach (var a in new[] { 1, 0.5, 2.0 / 3 })
            Agrees(new HeunSampler(new Churn(2, 0.1, 10, 1.01), a), run => run.EachStep((x, from, to) =>
            {
                (x, from) = run.Churned(x, from, 2, 0.1, 10, 1.01);
                var (k, h) = (run.Slope(x, from), to - from);
                return to == 0 ? x + h * k : x + h * ((1 - 1 / (2 * a)) * k + 1 / (2 * a) * run.Slope(x + a * h * k, from + a * h));
            }, finishes: true));
    }

    [Fact]
    public void Dpm2AndItsAncestralForm()
    {
        Agrees(new Dpm2Sampler(new Churn(3)), run => run.EachStep((x, from, to) =>
        {
            (x, from) = run.Churned(x, from, 3, 0, double.PositiveInfinity, 1);
            return Step(run, x, from, to);
        }, finishes: true));
        Agrees(new Dpm2AncestralSampler(0.8), run => run.EachStep((x, from, to) =>
        {
            var (down, up) = Split(from, to, 0.8);
            return Step(run, x, from, down) + up * run.Next();
        }));

        static double Step(Recurrence run, double x, double from, double to)
        {
            if (to == 0) return run.Data(x, from);
            var middle = Math.Sqrt(from * to);
            return x + (to - from) * run.Slope(x + (middle - from) * run.Slope(x, from), middle);
        }
    }

    [Fact]
    public void LinearMultistepOfOrderTwoAndThree()
    {
        // The integrals of the Lagrange polynomials written out.
        Agrees(new LinearMultistepSampler(2), run =>
        {
            var past = new List<(double Sigma, double Slope)>();
            return run.EachStep((x, from, to) =>
            {
                var d = run.Slope(x, from);
                var next = x + (to - from) * d;
                if (past.Count > 0) next += (to - from) * (to - from) / 2 * (d - past[^1].Slope) / (from - past[^1].Sigma);
                past.Add((from, d));
                return next;
            }, finishes: true);
        });
        Agrees(new LinearMultistepSampler(3), run =>
        {
            var past = new List<(double Sigma, double Slope)>();
            return run.EachStep((x, from, to) =>
            {
                var (d, h) = (run.Slope(x, from), to - from);
                var next = x + h * d;
                past.Add((from, d));
                if (past.Count == 1) return next;
                var first = (d - past[^2].Slope) / (from - past[^2].Sigma);
                next += h * h / 2 * first;
                if (past.Count == 2) return next;
                var second = (first - (past[^2].Slope - past[^3].Slope) / (past[^2].Sigma - past[^3].Sigma)) / (from - past[^3].Sigma);
                return next + second * (h * h * h / 3 + h * h / 2 * (from - past[^2].Sigma)); // ∫(τ − σ)(τ − σ₋₁)
            }, finishes: true);
        });
    }

    [Fact]
    public void DpmPlusPlus2SAndSde()
    {
        Agrees(new DpmPlusPlus2SAncestralSampler(0.5), run => run.EachStep((x, from, to) =>
        {
            var (down, up) = Split(from, to, 0.5);
            var h = Math.Log(from / down);
            var u = Math.Exp(-h / 2) * x + (1 - Math.Exp(-h / 2)) * run.Data(x, from);
            return Math.Exp(-h) * x + (1 - Math.Exp(-h)) * run.Data(u, from * Math.Exp(-h / 2)) + up * run.Next();
        }));
        foreach (var r in new[] { 0.5, 1.0 / 3 })
            Agrees(new DpmPlusPlusSdeSampler(0.7, 0.9, r), run => run.EachStep((x, from, to) =>
            {
                double Ancestral(double target, double data)
                {
                    var (down, up) = Split(from, target, 0.7);
                    return down / from * x + (1 - down / from) * data + 0.9 * up * run.Next();
                }

                var (data, middle) = (run.Data(x, from), from * Math.Pow(to / from, r));
                var second = run.Data(Ancestral(middle, data), middle);
                return Ancestral(to, (1 - 1 / (2 * r)) * data + 1 / (2 * r) * second);
            }));
    }

    [Fact]
    public void DpmFastOfOrderThreeThenTwo() => Agrees(new DpmFastSampler(5), run =>
    {
        // Two equal steps in log-SNR between the ends of the grid, of order 3 and 2, and the estimate there.
        var (start, end) = (run.Sigmas[0], run.Sigmas[^1]);
        var middle = Math.Sqrt(start * end);
        var x = run.Start;
        var h = Math.Log(start / middle);
        double Sigma(double r) => start * Math.Exp(-r * h);
        var e0 = run.Slope(x, start);
        var e1 = run.Slope(x - Sigma(1.0 / 3) * (Math.Exp(h / 3) - 1) * e0, Sigma(1.0 / 3));
        var z = 2 * h / 3;
        var u2 = x - Sigma(2.0 / 3) * (Math.Exp(z) - 1) * e0 - Sigma(2.0 / 3) * 2 * ((Math.Exp(z) - 1) / z - 1) * (e1 - e0);
        x = x - middle * (Math.Exp(h) - 1) * e0 - middle * 1.5 * ((Math.Exp(h) - 1) / h - 1) * (run.Slope(u2, Sigma(2.0 / 3)) - e0);
        var inner = Math.Sqrt(middle * end);
        x += (end - middle) * run.Slope(x + (inner - middle) * run.Slope(x, middle), inner);
        return run.Data(x, end);
    });

    private static (double Down, double Up) Split(double from, double to, double eta)
    {
        var up = Math.Min(to, eta * Math.Sqrt(to * to * (from * from - to * to) / (from * from)));
        return (Math.Sqrt(to * to - up * up), up);
    }

    private static void Agrees(Sampler sampler, Func<Recurrence, double> plain)
    {
        using var scope = NewDisposeScope();
        var schedule = LawSchedules.Of("vp");
        var grid = LawGrids.ToData(schedule, Steps, from: 20, to: 0.05);
        var run = new Recurrence(Array.ConvertAll(grid.ToArray(), step => step.At.Level.NoiseToSignal), 14);
        using var noise = new Given();
        var actual = sampler.Sample(new MixtureOracle(schedule), full(1, run.Start * grid.Start.Alpha, dtype: float64), grid, noise).item<double>();
        var expected = plain(run);
        Assert.True(Math.Abs(expected - actual) < 1e-10, $"{sampler.GetType().Name} gives {actual}, the recurrence {expected}.");
    }

    private sealed class Recurrence(double[] sigmas, double start)
    {
        private int _noiseIndex;

        public double[] Sigmas => sigmas;

        public double Start => start;

        public double Next() => _noise[_noiseIndex++];

        public double Data(double x, double sigma) => ExactFlow.Data(x, sigma);

        public double Slope(double x, double sigma) => (x - Data(x, sigma)) / sigma;

        public (double X, double Sigma) Churned(double x, double sigma, double amount, double min, double max, double scale)
        {
            var rise = sigma >= min && sigma <= max ? Math.Min(amount / sigmas.Length, Math.Sqrt(2) - 1) : 0;
            if (rise == 0) return (x, sigma);
            var raised = sigma * (1 + rise);
            return (x + Math.Sqrt(raised * raised - sigma * sigma) * scale * Next(), raised);
        }

        public double EachStep(Func<double, double, double, double> step, bool finishes = false)
        {
            var x = start;
            for (var i = 0; i + 1 < sigmas.Length; i++) x = step(x, sigmas[i], sigmas[i + 1]);
            return finishes ? step(x, sigmas[^1], 0) : Data(x, sigmas[^1]);
        }
    }

    private sealed class Given : NoiseSource
    {
        private int _index;

        public override Tensor Next(ReadOnlySpan<long> shape, ScalarType dtype, Device device) => full(shape.ToArray(), _noise[_index++], dtype: dtype);

        public override double NextDouble() => throw new NotSupportedException();
    }
}
