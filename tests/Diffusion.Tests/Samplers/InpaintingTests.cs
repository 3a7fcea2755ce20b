using Diffusion.Denoisers;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Tests.Laws;
using Xunit;

namespace Diffusion.Tests.Samplers;

public class InpaintingTests
{
    private static readonly DiscreteSchedule Schedule = new(BetaSchedule.Linear(1000));

    [Theory] // reference table RP: two numbers of variance 1 and correlation 0.9, the first known; exact posterior 0.9 and 0.19
    [InlineData(250, 10, 1, 0.622051, 0.300258)]
    [InlineData(250, 10, 2, 0.760552, 0.229256)]
    [InlineData(250, 10, 5, 0.850358, 0.189368)]
    [InlineData(250, 10, 10, 0.875133, 0.176455)]
    [InlineData(1000, 10, 1, 0.625614, 0.307797)]
    public void RePaintOfACorrelatedPairHasTheTabulatedMomentsAndNotTheExactOnes(int steps, int jumpLength, int resamplings, double coefficient, double variance)
    {
        var (actualCoefficient, actualVariance) = MomentsOfThePair(steps, jumpLength, resamplings);
        Assert.Equal(coefficient, actualCoefficient, 1e-6);
        Assert.Equal(variance, actualVariance, 1e-6);
    }

    [Fact]
    public void ReplacementIsRePaintWithoutResampling()
    {
        using var scope = NewDisposeScope();
        var (start, image, known) = Images(ScalarType.Float64);
        var grid = Schedule.Grid(20);
        var denoiser = new GaussianDenoiser(Schedule, 0.2, 0.6);
        Tensor Run(Sampler sampler)
        {
            using var noise = NoiseSource.FromSeed(4);
            return sampler.Sample(denoiser, start, grid, noise);
        }

        Assert.True(Run(new ReplacementSampler(new DdpmSampler(), image, known)).eq(Run(new RePaintSampler(new DdpmSampler(), image, known, 5, 1))).all().item<bool>());
    }

    public static TheoryData<string> Inner => ["ddim", "ddpm", "dpm", "heun", "euler ancestral"];

    [Theory, MemberData(nameof(Inner))]
    public void KnownPixelsComeBackExactlyAsGivenWhateverTheSampler(string inner)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(1);
        var (start, image, known) = Images(ScalarType.Float32);
        var denoiser = new GaussianDenoiser(Schedule, 0.2, 0.6);
        foreach (var sampler in new Sampler[] { new ReplacementSampler(Of(inner), image, known), new RePaintSampler(Of(inner), image, known, 3, 2) })
        {
            var end = sampler.Sample(denoiser, start, Schedule.Grid(10), noise);
            Assert.True(where(known, end.eq(image), ones_like(known)).all().item<bool>());
            Assert.True(end.isfinite().all().item<bool>());
        }
    }

    [Fact]
    public void TheJumpsAreThoseOfTheAuthorsProgram()
    {
        using var scope = NewDisposeScope();
        var grid = Schedule.Grid(6);
        var sampler = new RePaintSampler(new DdpmSampler(), zeros(1, 2), ones([1, 2], ScalarType.Bool), jumpLength: 2, resamplings: 2);
        // get_schedule_jump(t_T = 6, jump_length = 2, jump_n_sample = 2), counted from the last noisy level.
        int[] visited = [5, 4, 3, 2, 3, 4, 3, 2, 1, 0, 1, 2, 1, 0, -1];
        var expanded = sampler.Expand(grid);
        NoiseLevel Level(int t) => t < 0 ? grid.End : grid[grid.Count - 1 - t].At.Level;
        Assert.Equal(visited.Zip(visited.Skip(1), (a, b) => (Level(a), Level(b))), expanded.Select(step => (step.At.Level, step.To)));

        var published = new RePaintSampler(new DdpmSampler(), zeros(1, 2), ones([1, 2], ScalarType.Bool)).Expand(Schedule.Grid(250));
        Assert.Equal(4570, published.Count);
        Assert.Equal(2410, published.Count(step => step.To.LogSnr > step.At.Level.LogSnr));
    }

    [Fact]
    public void AJumpKeepsTheMarginalOfTheState()
    {
        // With every pixel unknown RePaint is its sampler with detours; with the exact posterior the Gaussian's moments stay those of a run without them, up to the steps' own error, and
        // with the reverse variance that is exact for unit Gaussians they are exact.
        using var scope = NewDisposeScope();
        var none = zeros([1], ScalarType.Bool);
        var grid = Schedule.Grid(12, TimestepSpacing.Linspace);
        var sampler = new RePaintSampler(new DdpmSampler(ReverseVariance.Large), zeros(1, 1, dtype: float64), none, 3, 3);
        var start = grid.Start.Alpha * grid.Start.Alpha + grid.Start.Sigma * grid.Start.Sigma;
        var (_, variance) = MomentPropagation.Of(new Batched(sampler), new GaussianDenoiser(Schedule), grid.EndingAt(Schedule.AtTimestep(0)), 0, start);
        var end = Schedule.AtTimestep(0);
        Assert.Equal(end.Alpha * end.Alpha + end.Sigma * end.Sigma, variance, 1e-9);
    }

    // What came before a jump back is of no use after it.
    [Fact]
    public void AJumpForgetsTheHistory()
    {
        using var scope = NewDisposeScope();
        var (start, image, known) = Images(ScalarType.Float32);
        using var noise = NoiseSource.FromSeed(1);
        var histories = new List<(bool Back, int Count)>();
        var hooks = new SamplingHooks { OnStep = (step, _, _) => histories.Add((step.To.LogSnr < step.From.LogSnr, step.History.Count)) };
        new RePaintSampler(new LinearMultistepSampler(4), image, known, 2, 3).Sample(new GaussianDenoiser(Schedule, 0.2, 0.6), start, Schedule.Grid(8), noise, hooks);
        Assert.True(histories.Count(h => h.Back) >= 4);
        for (var i = 0; i < histories.Count; i++)
        {
            if (histories[i].Back) Assert.Equal(0, histories[i].Count);
            else if (i > 0 && !histories[i - 1].Back) Assert.Equal(Math.Min(3, histories[i - 1].Count + 1), histories[i].Count);
            else Assert.Equal(1, histories[i].Count); // itself alone
        }
    }

    [Fact]
    public void RunsLeaveNothingBehind()
    {
        using var outer = NewDisposeScope();
        var (start, image, known) = Images(ScalarType.Float32);
        var denoiser = new GaussianDenoiser(Schedule, 0.2, 0.6);
        using var noise = NoiseSource.FromSeed(1);
        var sampler = new RePaintSampler(DpmSolverMultistepSampler.PlusPlus2M(), image, known, 2, 3);
        Tensor Run() => sampler.Sample(denoiser, start, Schedule.Grid(8), noise);
        Run().Dispose();
        var before = LiveTensors.Count();
        using var result = Run();
        Assert.Equal(before + 1, LiveTensors.Count());
    }

    [Fact]
    public void AMaskOfAnotherShapeIsRefusedInWords()
    {
        using var scope = NewDisposeScope();
        var image = zeros(2, 3, 8, 8);
        var error = Assert.Throws<ArgumentException>(() => new RePaintSampler(new DdpmSampler(), image, ones([2, 1, 8, 7], ScalarType.Bool)));
        Assert.Contains("[2, 1, 8, 7]", error.Message, StringComparison.Ordinal);
        Assert.Contains("[2, 3, 8, 8]", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new ReplacementSampler(new DdpmSampler(), image, ones(2, 1, 8, 8)));
        using var noise = NoiseSource.FromSeed(0);
        var sampler = new ReplacementSampler(new DdpmSampler(), image, ones([1, 1, 8, 8], ScalarType.Bool));
        Assert.Throws<ArgumentException>(() => sampler.Sample(new GaussianDenoiser(Schedule), zeros(2, 3, 8, 6), Schedule.Grid(4), noise));
        Assert.Throws<ArgumentException>(() => sampler.Sample(new GaussianDenoiser(Schedule), zeros([2, 3, 8, 8], float64), Schedule.Grid(4), noise));
    }

    private static Sampler Of(string name) => name switch
    {
        "ddim" => new DdimSampler(),
        "ddpm" => new DdpmSampler(),
        "dpm" => DpmSolverMultistepSampler.PlusPlus2M(),
        "heun" => new HeunSampler(),
        _ => new EulerAncestralSampler(),
    };

    private static (Tensor Start, Tensor Image, Tensor Known) Images(ScalarType dtype)
    {
        using var noise = NoiseSource.FromSeed(7);
        return (noise.Next([2, 3, 6, 6], dtype, CPU), noise.Next([2, 3, 6, 6], dtype, CPU), noise.Next([2, 1, 6, 6], dtype, CPU).gt(0));
    }

    // Everything is linear in the known number, the start and the noises: one run of a batch with a unit of each shows all factors.
    private static (double Coefficient, double Variance) MomentsOfThePair(int steps, int jumpLength, int resamplings)
    {
        using var scope = NewDisposeScope();
        var denoiser = new CorrelatedGaussian(Schedule, new[,] { { 1, 0.9 }, { 0.9, 1 } });
        var grid = Schedule.Grid(steps, TimestepSpacing.Linspace);
        var known = tensor(new[,] { { true, false } });
        RePaintSampler Sampler(Tensor image) => new(new DdpmSampler(), image, known, jumpLength, resamplings);
        var counting = new UnitNoise(0);
        Sampler(zeros(1, 2, dtype: float64)).Sample(denoiser, zeros(1, 2, dtype: float64), grid, counting);
        var batch = 1 + 2 + 2 * counting.Calls;
        var (image, start) = (zeros(batch, 2, dtype: float64), zeros(batch, 2, dtype: float64));
        image[0, 0] = 1;
        (start[1, 0], start[2, 1]) = (1, 1);
        using var units = new UnitNoise(3);
        var end = Sampler(image).Sample(denoiser, start, grid, units).select(1, 1).data<double>().ToArray();
        return (end[0], end.Skip(1).Sum(factor => factor * factor));
    }

    // Call k gives a unit of either number to the samples first + 2k and first + 2k + 1.
    private sealed class UnitNoise(int first) : NoiseSource
    {
        public int Calls { get; private set; }

        public override Tensor Next(ReadOnlySpan<long> shape, ScalarType dtype, Device device)
        {
            var noise = zeros(shape.ToArray(), dtype, device);
            var at = first + 2 * Calls++;
            if (at + 1 < shape[0]) (noise[at, 0], noise[at + 1, 1]) = (1, 1);
            return noise;
        }

        public override double NextDouble() => throw new NotSupportedException();
    }

    // The states of moment propagation have one axis; images have a batch of them.
    private sealed class Batched(Sampler inner) : Sampler
    {
        protected override Tensor Run(SamplerRun run, Tensor x)
        {
            using var noise = new Flat(run.Noise);
            return inner.Sample(run.Denoiser, x.unsqueeze(1), run.Grid, noise).squeeze(1);
        }

        protected override Tensor Step(SamplerStep step, Tensor x) => throw new NotSupportedException();

        private sealed class Flat(NoiseSource noise) : NoiseSource
        {
            public override Tensor Next(ReadOnlySpan<long> shape, ScalarType dtype, Device device) => noise.Next([shape[0]], dtype, device).unsqueeze(1);

            public override double NextDouble() => throw new NotSupportedException();
        }
    }
}
