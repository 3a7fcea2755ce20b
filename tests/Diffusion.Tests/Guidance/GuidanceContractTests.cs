using Diffusion.Denoisers;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Guidance;

/// <summary>What every wrapper of a denoiser owes: ownership, derivatives, composition in any order, clear errors.</summary>
public class GuidanceContractTests
{
    private static readonly VariancePreservingSchedule Schedule = new();

    public static TheoryData<string> Wrappers => new(All.Keys);

    // Each as a function of the denoiser that it wraps; where a second is needed it is another mixture.
    internal static readonly Dictionary<string, Func<IDenoiser, IDenoiser>> All = new()
    {
        ["guidance"] = inner => new ClassifierFreeGuidance(inner, Other, 3),
        ["rescaled"] = inner => new ClassifierFreeGuidance(inner, Other, GuidanceRule.Rescaled(3)),
        ["rescaled noise"] = inner => new ClassifierFreeGuidance(inner, Other, GuidanceRule.Rescaled(3, 0.7, GuidedQuantity.Noise)),
        ["rescaled velocity"] = inner => new ClassifierFreeGuidance(inner, Other, GuidanceRule.Rescaled(3, 0.7, GuidedQuantity.Velocity)),
        ["projected"] = inner => new ClassifierFreeGuidance(inner, Other, GuidanceRule.Projected(3, 0.2, 0.5, -0.5)),
        ["plus plus"] = inner => new ClassifierFreeGuidance(inner, Other, GuidanceRule.PlusPlus(0.6)),
        ["optimised"] = inner => new ClassifierFreeGuidance(inner, Other, GuidanceRule.OptimizedScale(3)),
        ["scheduled"] = inner => new ClassifierFreeGuidance(inner, Other, GuidanceRule.Scheduled(level => 1 + level.Time)),
        ["interval"] = inner => new GuidanceInterval(inner, Other, 0.1, 50),
        ["composed"] = inner => new ComposedGuidance(Other, new WeightedCondition(inner, 2), new WeightedCondition(new GaussianDenoiser(Schedule), 0.5)),
        ["zero init"] = inner => new ZeroInit(inner, TimeGrid.Uniform(Schedule, 10), 1),
        ["classifier"] = inner => new ClassifierGuidance(inner, (x, _) => (x - 1).square().flatten(1).sum([1L]).mul(-0.3), 2),
        ["loss"] = inner => new LossGuidance(inner, (data, _) => (data - 0.5).square().add(1).sqrt().flatten(1).sum([1L]), 0.5),
        ["clamped"] = inner => new ClampedDenoiser(inner, 0.9),
        ["clamped noise"] = inner => new ClampedDenoiser(inner, 0.9, keepNoise: true),
        ["dynamic"] = inner => new DynamicThreshold(inner, 0.9),
    };

    private static GaussianMixtureDenoiser Base => new(Schedule, GaussianMixture.Uniform(new[,] { { -1.0, 0.5, 0.2 }, { 0.8, -0.6, 1.1 } }, 0.4));

    private static GaussianMixtureDenoiser Other => new(Schedule, GaussianMixture.Uniform(new[,] { { 0.0, 0.3, -0.9 }, { 1.0, 1.0, 0.1 } }, 0.7));

    [Theory, MemberData(nameof(Wrappers))]
    public void ArgumentsAreBorrowedAndTheResultIsFresh(string name)
    {
        var guided = All[name](Base);
        using var x = Draw(2).DetachFromDisposeScope();
        var copy = x.data<double>().ToArray();
        NoisePoint at = Schedule.At(0.4);
        foreach (var enabled in new[] { false, true })
        {
            using var mode = set_grad_enabled(enabled);
            using (NewDisposeScope()) guided.Denoise(x, at);
            var before = LiveTensors.Count();
            using (NewDisposeScope())
            {
                var estimate = guided.Denoise(x, at);
                GC.Collect();
                GC.WaitForPendingFinalizers();
                Assert.Equal(before + 1 + (estimate.Noise is null ? 0 : 1), Tensor.TotalCount);
                Assert.True(enabled || !estimate.Data.requires_grad); // a sampler is left no graph
            }

            Assert.Equal(before, LiveTensors.Count());
        }

        Assert.False(x.requires_grad);
        Assert.Equal(copy, x.data<double>().ToArray());
    }

    [Theory, MemberData(nameof(Wrappers))]
    public void TheEstimateIsDifferentiable(string name)
    {
        using var scope = NewDisposeScope();
        var guided = All[name](Base);
        NoisePoint at = Schedule.At(0.4);
        var (x, weight) = (Draw(2), Draw(3));
        double Value(Tensor at0) => (guided.Denoise(at0, at).Data * weight).sum().item<double>();
        var leaf = x.clone().requires_grad_();
        var gradient = Differentiation.Vjp(guided.Denoise(leaf, at).Data, leaf, weight);
        const double h = 1e-5; // central differences: h² of third derivatives, 1e-9
        for (var i = 0; i < 3; i++)
        {
            var move = zeros_like(x);
            move[0, i] = h;
            Assert.Equal((Value(x + move) - Value(x - move)) / (2 * h), gradient[0, i].item<double>(), 1e-6);
        }
    }

    [Fact]
    public void WrappersComposeInAnyOrder()
    {
        using var outer = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        using var start = Draw(4).DetachFromDisposeScope();
        var grid = TimeGrid.Uniform(Schedule, 5, from: 0.9);
        foreach (var first in All)
            foreach (var second in All)
            {
                using var scope = NewDisposeScope();
                var end = new DdimSampler().Sample(second.Value(first.Value(Base)), start, grid, noise);
                Assert.True(end.isfinite().all().item<bool>(), $"{second.Key} of {first.Key}");
            }
    }

    [Fact]
    public void OneDoubleBatchEqualsTwoCallsByEveryRule()
    {
        using var scope = NewDisposeScope();
        using var network = new LabelledNetwork();
        var parameterization = Parameterization.V();
        var (condition, negative) = (Conditioning.ForClasses([0, 2, 1], nullClass: 3), Conditioning.ForClasses([1, 1, 2], nullClass: 3));
        var grid = TimeGrid.Uniform(Schedule, 4, from: 0.9);
        foreach (var rule in new[]
        {
            GuidanceRule.Linear(2.5), GuidanceRule.Rescaled(2.5), GuidanceRule.Projected(2.5, 0.1, 1, -0.5), GuidanceRule.PlusPlus(0.6), GuidanceRule.OptimizedScale(3), GuidanceRule.Scheduled(level => 3 * level.Time),
        })
            foreach (var away in new[] { null, negative })
            {
                using var first = NoiseSource.FromSeed(1);
                var x = first.Next([3, 4], ScalarType.Float64, CPU);
                var two = new ClassifierFreeGuidance(
                    new NetworkDenoiser(network, Schedule, parameterization, condition), new NetworkDenoiser(network, Schedule, parameterization, away ?? condition.DropAll()), rule);
                var one = ClassifierFreeGuidance.Batched(network, Schedule, parameterization, condition, rule, away);
                Assert.True(new DdimSampler().Sample(two, x, grid, first).allclose(new DdimSampler().Sample(one, x, grid, first), 1e-12, 1e-12));
            }
    }

    [Fact]
    public void WhatIsNotNeededIsNotAsked()
    {
        using var scope = NewDisposeScope();
        var (a, b, c) = (new CountingDenoiser(Schedule), new CountingDenoiser(Schedule), new CountingDenoiser(Schedule));
        var x = zeros(1, 2);
        new ComposedGuidance(a, new WeightedCondition(b, 1), new WeightedCondition(c, 0)).Denoise(x, Schedule.At(0.5));
        Assert.Equal((0, 1, 0), (a.Calls, b.Calls, c.Calls));
        var interval = new GuidanceInterval(new ClassifierFreeGuidance(b, a, 2), b, 0.28, 2.9);
        interval.Denoise(x, Schedule.AtNoiseToSignal(5));
        Assert.Equal((0, 2), (a.Calls, b.Calls));
        interval.Denoise(x, Schedule.AtNoiseToSignal(1));
        Assert.Equal((1, 3), (a.Calls, b.Calls));
        new ClassifierFreeGuidance(b, a, GuidanceRule.PlusPlus(0)).Denoise(x, Schedule.At(0.5));
        new ClassifierFreeGuidance(b, a, GuidanceRule.Rescaled(1)).Denoise(x, Schedule.At(0.5));
        Assert.Equal((2, 4), (a.Calls, b.Calls));
        new ClassifierGuidance(a, (_, _) => throw new InvalidOperationException("Not asked."), 0).Denoise(x, Schedule.At(0.5));
    }

    [Fact]
    public void AGradientOnPureNoiseIsRefusedInWords()
    {
        using var scope = NewDisposeScope();
        var flow = new RectifiedFlowSchedule();
        var guided = new ClassifierGuidance(new GaussianDenoiser(flow), (x, _) => x.sum());
        using var noise = NoiseSource.FromSeed(0);
        var error = Assert.Throws<ArgumentException>(() => new DdimSampler().Sample(guided, zeros(1, 2), TimeGrid.Uniform(flow, 4), noise));
        Assert.Contains("α = 0", error.Message, StringComparison.Ordinal);
        new DdimSampler().Sample(guided, zeros(1, 2), TimeGrid.Uniform(flow, 4, from: 0.99), noise);
        Assert.Throws<ArgumentException>(() => new LossGuidance(new GaussianDenoiser(flow), (x, _) => x.sum()).Denoise(zeros(1, 2), flow.At(1)));
    }

    [Fact]
    public void AConstantLossIsRefusedInWords()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<InvalidOperationException>(() => new LossGuidance(Base, (_, _) => zeros(2)).Denoise(Draw(0), Schedule.At(0.5)));
        Assert.Throws<InvalidOperationException>(() => new ClassifierGuidance(Base, (x, _) => x.detach().sum()).Denoise(Draw(0), Schedule.At(0.5)));
    }

    [Fact]
    public void DenoisersOfDifferentSchedulesDoNotMix()
    {
        var error = Assert.Throws<ArgumentException>(() => new ClassifierFreeGuidance(new GaussianDenoiser(Schedule), new GaussianDenoiser(new CosineSchedule()), 2));
        Assert.Contains("RescheduledDenoiser", error.Message, StringComparison.Ordinal);
        Assert.NotNull(new ClassifierFreeGuidance(new GaussianDenoiser(Schedule), new GaussianDenoiser(new VariancePreservingSchedule()), 2)); // the same levels
    }

    [Fact]
    public void GuidanceOfAnUnconditionalModelIsRefusedInWords()
    {
        using var scope = NewDisposeScope();
        using var network = DenoisingNetwork.Wrap(new Plain());
        Assert.Throws<InvalidOperationException>(() => ClassifierFreeGuidance.Batched(network, Schedule, Parameterization.V(), new Conditioning(), 2));
        var guided = ClassifierFreeGuidance.Batched(network, Schedule, Parameterization.V(), Conditioning.ForClasses([0, 1], nullClass: 2), 2);
        Assert.Contains("no condition", Assert.Throws<ArgumentException>(() => guided.Denoise(zeros(2, 3), Schedule.At(0.5))).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => ClassifierFreeGuidance.Batched(network, Schedule, Parameterization.V(), Conditioning.ForClasses([0, 1]), 2)); // no null class
    }

    [Fact]
    public void GradientsAreTakenOfABatch()
    {
        using var scope = NewDisposeScope();
        var guided = new ClassifierGuidance(Base, (x, _) => x.sum());
        Assert.Contains("Float64 of shape []", Assert.Throws<ArgumentException>(() => guided.Denoise(tensor(1.0), Schedule.At(0.5))).Message, StringComparison.Ordinal);
        Assert.Contains("Int64 of shape [2, 3]", Assert.Throws<ArgumentException>(() => guided.Denoise(ones(2, 3, ScalarType.Int64), Schedule.At(0.5))).Message, StringComparison.Ordinal);
        Assert.Equal([2, 3], guided.Denoise(ones(2, 3, float64), Schedule.At(0.5)).Data.shape);
    }

    [Fact]
    public void WrappersNameWhatIsMissing()
    {
        Assert.Equal("x", Assert.Throws<ArgumentNullException>(() => new ZeroInit(Base, TimeGrid.Uniform(Schedule, 4)).Denoise(null!, Schedule.At(0.9))).ParamName);
        Assert.Equal("x", Assert.Throws<ArgumentNullException>(() => new ConsistencyDenoiser(Base, NoiseLabel.Time()).Denoise(null!, Schedule.At(0.9))).ParamName);
        Assert.Equal("conditions", Assert.Throws<ArgumentException>(() => new ComposedGuidance(Base)).ParamName);
    }

    private static Tensor Draw(long seed)
    {
        using var noise = NoiseSource.FromSeed(seed);
        return noise.Next([2, 3], ScalarType.Float64, CPU);
    }

    private sealed class Plain() : nn.Module<Tensor, Tensor, Tensor>("Plain")
    {
        public override Tensor forward(Tensor x, Tensor label) => x.mul(0.5);
    }
}
