using Diffusion.Denoisers;
using Diffusion.Samplers;
using Xunit;

namespace Diffusion.Tests.Laws;

/// <summary>Samplers of different traditions that are one and the same, and what does not depend on the schedule.</summary>
public class IdentityTests
{
    public static TheoryData<string> Schedules => new(LawSchedules.Names);

    public static TheoryData<string, string> ByLevelsAlone => SamplerCatalogue.OnEverySchedule(entry => !entry.DependsOnSchedule);

    [Theory, MemberData(nameof(Schedules))]
    public void DdimIsEulerAncestralForEveryEta(string schedule)
    {
        foreach (var eta in new[] { 0, 0.3, 0.7, 1 }) AssertSame(schedule, new DdimSampler(eta), new EulerAncestralSampler(eta));
    }

    [Theory, MemberData(nameof(Schedules))]
    public void DdimWithFullNoiseIsDdpmWithTheSmallVariance(string schedule) => AssertSame(schedule, new DdimSampler(1), new DdpmSampler());

    [Theory, MemberData(nameof(Schedules))]
    public void FirstOrderMethodsOfTheFlowAreOne(string schedule)
    {
        AssertSame(schedule, new DdimSampler(), new EulerSampler());
        AssertSame(schedule, new DdimSampler(), new LinearMultistepSampler(1));
        AssertSame(schedule, new DdimSampler(), new DpmSolverMultistepSampler(1));
        AssertSame(schedule, new DdimSampler(), new EulerSampler(new Churn(0)));
    }

    [Theory, MemberData(nameof(Schedules))]
    public void AncestralMethodsWithoutNoiseAreTheirFlows(string schedule)
    {
        AssertSame(schedule, new Dpm2Sampler(), new Dpm2AncestralSampler(0));
        AssertSame(schedule, new DpmPlusPlus2SAncestralSampler(0), new DpmPlusPlusSdeSampler(0));
    }

    [Theory, MemberData(nameof(ByLevelsAlone))]
    public void AnotherScheduleOfTheSameLevelsGivesTheSameSamples(string sampler, string schedule)
    {
        // A model of the variance-preserving process, sampled on its own schedule and on another one.
        var inner = LawSchedules.Of("vp");
        var model = new GaussianMixtureDenoiser(inner, ExactFlow.Mixture);
        var own = Run(sampler, model);
        var other = Run(sampler, new RescheduledDenoiser(model, LawSchedules.Of(schedule)));
        for (var i = 0; i < own.Length; i++) Assert.Equal(own[i], other[i], 1e-9 * Math.Max(1, Math.Abs(own[i])));

        static double[] Run(string name, IDenoiser denoiser)
        {
            var entry = SamplerCatalogue.Of(name);
            return Ends(entry.Make(12), denoiser, LawGrids.ToData(denoiser.Schedule, 12, from: 20, to: 0.05));
        }
    }

    [Theory, MemberData(nameof(Schedules))]
    public void TheFlowInTimeEndsWhereTheFlowInNoiseDoes(string schedule)
    {
        // Straight path, VP, VE, cosine: each integrated in its own time, from the same x̂ and σ̂, ends at the same x̂.
        var denoiser = new GaussianDenoiser(LawSchedules.Of(schedule), 0.3, 0.5);
        var (from, to) = (denoiser.Schedule.AtNoiseToSignal(20), denoiser.Schedule.AtNoiseToSignal(0.05));
        using var scope = NewDisposeScope();
        var x = tensor([25.0, -3], float64).mul(from.Alpha);
        const int steps = 4000;
        for (var i = 0; i < steps; i++)
        {
            // Equal steps in log-SNR keep every schedule's velocity smooth.
            var (start, end) = (Between(i), Between(i + 1));
            var middle = denoiser.Schedule.At((start.Time + end.Time) / 2);
            var h = end.Time - start.Time;
            Tensor Velocity(Tensor state, NoiseLevel at) => denoiser.Denoise(state, at).VelocityAt(state, at);
            var k1 = Velocity(x, start);
            var k2 = Velocity(x + h / 2 * k1, middle);
            var k3 = Velocity(x + h / 2 * k2, middle);
            var k4 = Velocity(x + h * k3, end);
            x = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
        }

        var ends = x.div(to.Alpha).data<double>().ToArray();
        Assert.Equal(ExactFlow.Gaussian(25, 20, 0.05, 0.3, 0.5), ends[0], 1e-10);
        Assert.Equal(ExactFlow.Gaussian(-3, 20, 0.05, 0.3, 0.5), ends[1], 1e-10);

        NoiseLevel Between(int i) => i == 0 ? from : i == steps ? to : denoiser.Schedule.AtLogSnr(from.LogSnr + (to.LogSnr - from.LogSnr) * i / steps);
    }

    [Theory]
    [InlineData("flow", 1.1, .850000)]
    [InlineData("vp", 1.1, .849023)]
    [InlineData("karras", 88, .848115)]
    public void FromTheirOwnNoisyEndsThePathsDifferByWhatIsLeftOfTheData(string schedule, double start, double end)
    {
        var denoiser = new GaussianDenoiser(LawSchedules.Of(schedule), 0.3, 0.5);
        var top = denoiser.Schedule.At(1);
        // The flow from the noisiest level with data on, after an exact first step from pure noise where there is none.
        var exact = top.Alpha == 0 ? 0.3 + 0.5 * start : ExactFlow.Gaussian(start / top.Alpha, top.NoiseToSignal, 0, 0.3, 0.5);
        Assert.Equal(end, exact, 1e-6);
        var levels = new NoisePoint[400];
        var first = top.Alpha == 0 ? 1e4 : top.NoiseToSignal;
        for (var i = 0; i < levels.Length; i++) levels[i] = i == 0 ? top : denoiser.Schedule.AtNoiseToSignal(first * Math.Pow(0.003 / first, (double)i / (levels.Length - 1)));
        Assert.Equal(exact, Ends(new HeunSampler(), denoiser, TimeGrid.FromPoints(denoiser.Schedule, levels), [start])[0], 2e-4);
    }

    private static void AssertSame(string schedule, Sampler one, Sampler other)
    {
        var denoiser = new MixtureOracle(LawSchedules.Of(schedule));
        var grid = LawGrids.ToData(denoiser.Schedule, 10);
        var (a, b) = (Ends(one, denoiser, grid), Ends(other, denoiser, grid));
        for (var i = 0; i < a.Length; i++) Assert.Equal(a[i], b[i], 1e-12);
    }

    private static double[] Ends(Sampler sampler, IDenoiser denoiser, TimeGrid grid, double[]? starts = null)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(7);
        var start = starts is null ? denoiser.Schedule.DrawPrior([8, 1], NoiseSource.FromSeed(3), 1, ScalarType.Float64).mul(grid.Start.Sigma / denoiser.Schedule.At(1).Sigma) : tensor(starts).view(-1, 1);
        return sampler.Sample(denoiser, start, grid, noise).div(grid.End.IsClean ? grid.Schedule.Clean.Alpha : grid.End.Alpha).data<double>().ToArray();
    }
}
