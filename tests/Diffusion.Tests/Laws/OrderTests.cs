using Diffusion.Denoisers;
using Xunit;

namespace Diffusion.Tests.Laws;

/// <summary>The observed order of every sampler, in float64, on every schedule.</summary>
public class OrderTests
{
    private static readonly (double Mean, double Deviation) _gaussian = (0.3, 0.5);

    public static TheoryData<string> Schedules => new(LawSchedules.Names);

    public static TheoryData<string, string> Flows => SamplerCatalogue.OnEverySchedule(entry => entry.Flow is not null);

    public static TheoryData<string, string> WithNoise => SamplerCatalogue.OnEverySchedule(entry => entry.Weak is not null);

    [Theory, MemberData(nameof(Flows))]
    public void ErrorOnAGaussianFallsInOrder(string sampler, string schedule)
    {
        var entry = SamplerCatalogue.Of(sampler);
        var denoiser = new GaussianDenoiser(LawSchedules.Of(schedule), _gaussian.Mean, _gaussian.Deviation);
        var start = _gaussian.Mean + Math.Sqrt(0.25 + LawGrids.Most * LawGrids.Most);
        var exact = ExactFlow.Gaussian(start, LawGrids.Most, LawGrids.Least, _gaussian.Mean, _gaussian.Deviation);
        ObservedOrder.Is(entry.FlowOnGaussian ?? entry.Flow!.Value, entry.Steps, steps => Math.Abs(End(entry, denoiser, steps, start) - exact));
    }

    [Theory, MemberData(nameof(Flows))]
    public void ErrorOnTheMixtureFallsInOrder(string sampler, string schedule)
    {
        var entry = SamplerCatalogue.Of(sampler);
        var denoiser = new MixtureOracle(LawSchedules.Of(schedule));
        ObservedOrder.Is(entry.Flow!.Value, entry.Steps, steps => Math.Abs(End(entry, denoiser, steps, 72) - _mixtureEnd));
    }

    [Theory, MemberData(nameof(WithNoise))]
    public void ErrorOfTheMomentsOnAGaussianFallsInOrder(string sampler, string schedule)
    {
        var entry = SamplerCatalogue.Of(sampler);
        var denoiser = new GaussianDenoiser(LawSchedules.Of(schedule), _gaussian.Mean, _gaussian.Deviation);
        ObservedOrder.Is(entry.Weak!.Value, entry.Steps, steps =>
        {
            var grid = LawGrids.Of(denoiser.Schedule, steps, entry.Spacing);
            var (start, end) = (Marginal(grid.Start), Marginal(grid.End));
            var (mean, variance) = MomentPropagation.Of(entry.Make(steps), denoiser, grid, start.Mean, start.Variance, entry.WeakNeedsPath);
            if (entry.ExactMean) Assert.Equal(end.Mean, mean, 1e-10);
            return Math.Abs(variance - end.Variance) + Math.Abs(mean - end.Mean);
        });
    }

    [Theory, MemberData(nameof(Schedules))]
    public void TheLawsMixtureIsTheLibrarys(string schedule)
    {
        using var scope = NewDisposeScope();
        var (ours, librarys) = (new MixtureOracle(LawSchedules.Of(schedule)), new GaussianMixtureDenoiser(LawSchedules.Of(schedule), ExactFlow.Mixture));
        foreach (var sigma in new[] { 80, 1, 0.1, 0.002 })
        {
            var level = ours.Schedule.AtNoiseToSignal(sigma);
            var x = linspace(-3 * (level.Alpha + level.Sigma), 3 * (level.Alpha + level.Sigma), 101, dtype: float64).view(-1, 1);
            Assert.True((ours.Denoise(x, level).Data - librarys.Denoise(x, level).Data).abs().max().item<double>() < 1e-10);
        }
    }

    [Fact]
    public void OrdersShowFrom64StepsOrSomethingIsSaidWhyNot() =>
        Assert.All(SamplerCatalogue.All, entry => Assert.True(entry.Steps == 64 ? entry.Late is null : !string.IsNullOrEmpty(entry.Late), entry.Name));

    [Fact]
    public void TheMixturesFlowIsTheRecordedOne() => Assert.Equal(0.7711995019238951, _mixtureEnd, 1e-11);

    private static readonly double _mixtureEnd = ExactFlow.OfMixture(72, LawGrids.Most, LawGrids.Least);

    private static (double Mean, double Variance) Marginal(NoiseLevel level) =>
        (level.Alpha * _gaussian.Mean, level.Alpha * level.Alpha * _gaussian.Deviation * _gaussian.Deviation + level.Sigma * level.Sigma);

    // From a state to the end of the grid, both in x̂ = x/α.
    private static double End(CatalogueEntry entry, IDenoiser denoiser, int steps, double start)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var grid = LawGrids.Of(denoiser.Schedule, steps, entry.Spacing);
        var x = full(1, start * grid.Start.Alpha, dtype: float64);
        return entry.Make(steps).Sample(denoiser, x, grid, noise).item<double>() / grid.End.Alpha;
    }
}
