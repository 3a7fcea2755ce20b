using Diffusion.Denoisers;
using Xunit;

namespace Diffusion.Tests.Laws;

/// <summary>
/// Walked from data up to noise, a solver of the flow finds the noise that it would have come from: up and down again is the identity, up to errors that fall in the
/// solver's order.
/// </summary>
public class InversionTests
{
    private const double Most = 20;
    private const double Least = 0.05;

    public static TheoryData<string, string> Solvers
    {
        get
        {
            var data = new TheoryData<string, string>();
            // The other schedules differ by their scale alone, which the identities show.
            foreach (var name in (string[])["DDIM", "Heun", "Runge-Kutta 4", "DPM++ 2M", "DPM++ 3M", "DPM-Solver 2 multistep", "DPM++ 2 singlestep", "DPM-Solver 3 singlestep", "DEIS 2", "UniPC 2", "UniP 3"])
                foreach (var schedule in (string[])["vp", "ve", "flow"])
                    data.Add(name, schedule);
            return data;
        }
    }

    [Theory, MemberData(nameof(Solvers))]
    public void UpAndDownAgainIsTheIdentityInOrder(string sampler, string schedule)
    {
        var entry = SamplerCatalogue.Of(sampler);
        var denoiser = new GaussianMixtureDenoiser(LawSchedules.Of(schedule), ExactFlow.Mixture);
        // The error changes sign with the state, so it is taken over several; on both components, since between them the flow is so steep that orders show late.
        double[] data = [-1.1, -0.8, -0.6, 0.5, 0.7, 0.9];
        var errors = new List<double>();
        foreach (var steps in (int[])[64, 128, 256])
        {
            var down = LawGrids.Of(denoiser.Schedule, steps, Spacing.LogSnr, Most, Least);
            var noise = Walk(entry.Make(steps), denoiser, Upward(down), data);
            var back = Walk(entry.Make(steps), denoiser, down, noise);
            errors.Add(data.Zip(back, (a, b) => Math.Abs(a - b)).Max());
        }

        var order = Math.Log2(errors[0] / errors[^1]) / 2;
        var expected = Order(entry, entry.Flow!.Value);
        Assert.True(errors[^1] < 1e-9 || order > expected - 0.35,
            $"The errors {string.Join(", ", errors.Select(e => e.ToString("e2")))} at 64, 128 and 256 steps fall in the order {order:f2}; {expected} was expected.");
    }

    // The data may come in another scale, that of the grid's clean end.
    [Fact]
    public void TheScaleOfTheDataIsThatOfTheCleanEnd()
    {
        using var scope = NewDisposeScope();
        var schedule = LawSchedules.Of("vp");
        var denoiser = new GaussianDenoiser(schedule, 0.3, 0.6);
        Tensor Inverted(double scale)
        {
            using var noise = NoiseSource.FromSeed(0);
            var grid = TimeGrid.FromPoints(schedule, [schedule.At(0.9), schedule.At(0.5), schedule.At(0.1)], NoiseLevel.Of(scale, 0));
            return new Diffusion.Samplers.InversionSampler(2).Sample(denoiser, linspace(-1, 1, 3, dtype: float64) * scale, grid, noise);
        }

        Assert.True(Inverted(1).allclose(Inverted(2.5), 1e-12, 1e-12));
    }

    [Fact]
    public void AnInversionTurnsAFallingGridRound()
    {
        using var scope = NewDisposeScope();
        var schedule = LawSchedules.Of("vp");
        using var noise = NoiseSource.FromSeed(0);
        Tensor Invert(TimeGrid grid) => new Diffusion.Samplers.InversionSampler().Sample(new GaussianDenoiser(schedule, 0.3, 0.6), ones(1, dtype: float64), grid, noise);
        NoisePoint At(double time) => schedule.At(time);
        foreach (var points in new NoisePoint[][] { [At(0.5), At(0.9), At(0.1)], [At(0.5), At(0.5), At(0.1)], [At(0.9), At(0.1), At(0.5)] })
            Assert.Contains("does not go down", Assert.Throws<ArgumentException>(() => Invert(TimeGrid.FromPoints(schedule, points, schedule.At(0)))).Message, StringComparison.Ordinal);
        Assert.Contains("clean data", Assert.Throws<ArgumentException>(() => Invert(TimeGrid.FromTimes(schedule, [0.9, 0.5], schedule.At(0.1)))).Message, StringComparison.Ordinal);
        // One step asks at the lowest level alone, which is the highest too: x = α·x₀ + α(x₀ − x̂₀(α·x₀)).
        var (level, gain) = (schedule.At(0.1), 0.36 * schedule.At(0.1).Alpha / (0.36 * Math.Pow(schedule.At(0.1).Alpha, 2) + Math.Pow(schedule.At(0.1).Sigma, 2)));
        var estimate = 0.3 + gain * (level.Alpha - level.Alpha * 0.3);
        Assert.Equal(level.Alpha + level.Alpha * (1 - estimate), Invert(TimeGrid.FromTimes(schedule, [0.1], schedule.At(0))).item<double>(), 1e-12);
    }

    [Theory, MemberData(nameof(Solvers))]
    public void UpwardItFindsTheNoiseOfTheExactFlow(string sampler, string schedule)
    {
        var entry = SamplerCatalogue.Of(sampler);
        var denoiser = new GaussianDenoiser(LawSchedules.Of(schedule), 0.3, 0.5);
        var exact = ExactFlow.Gaussian(0.9, Least, Most, 0.3, 0.5);
        double Error(int steps) => Math.Abs(Walk(entry.Make(steps), denoiser, Upward(LawGrids.Of(denoiser.Schedule, steps, Spacing.LogSnr, Most, Least)), [0.9])[0] - exact);
        var (coarse, fine) = (Error(128), Error(512));
        var order = Math.Log2(coarse / fine) / 2;
        var expected = Order(entry, entry.FlowOnGaussian ?? entry.Flow!.Value);
        Assert.True(fine < 1e-9 || order > expected - 0.35, $"From {coarse:e2} at 128 steps to {fine:e2} at 512 is the order {order:f2}; {expected} was expected.");
    }

    // Near data the estimate is not flat, so a first step of first order leaves a multistep method second order, whatever its own.
    private static double Order(CatalogueEntry entry, double order) => entry.Name is "DPM++ 3M" or "UniP 3" ? 2 : order;

    private static TimeGrid Upward(TimeGrid down) => new(down.Schedule, [.. down.Reverse().Select(step => new GridStep(step.To, step.At.Level))]);

    // In x̂ = x/α at both ends.
    private static double[] Walk(Sampler sampler, IDenoiser denoiser, TimeGrid grid, double[] start)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        return sampler.Sample(denoiser, tensor(start, float64).view(-1, 1).mul(grid.Start.Alpha), grid, noise).div(grid.End.Alpha).data<double>().ToArray();
    }
}
