using Diffusion.Denoisers;
using Diffusion.Operators;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Guidance;

/// <summary>What wrappers make of an estimate that carries its own noise (not that of state and data) and the output of a learned variance.</summary>
public class CarriedEstimateTests
{
    private const double X = 0.9;
    private static readonly VariancePreservingSchedule Schedule = new();
    private static readonly NoiseLevel Level = Schedule.At(0.4);

    private static double Derived(double data) => (X - Level.Alpha * data) / Level.Sigma;

    private static (double Data, double? Noise, double? Variance) Of(IDenoiser denoiser)
    {
        using var scope = NewDisposeScope();
        var estimate = denoiser.Denoise(full(1, 2, X, float64), Level);
        static double Single(Tensor t)
        {
            Assert.True(t.eq(t[0, 0]).all().item<bool>());
            return t[0, 0].item<double>();
        }

        return (Single(estimate.Data), estimate.Noise is null ? null : Single(estimate.Noise), estimate.VarianceOutput is null ? null : Single(estimate.VarianceOutput));
    }

    private static void Near(double expected, double? actual) => Assert.Equal(expected, Assert.NotNull(actual), 1e-12);

    // w·ε_c + (1 − w)·ε_u, the noise derived of whichever carries none; the variance is the conditional one's.
    [Theory]
    [InlineData(null, null)]
    [InlineData(0.4, null)]
    [InlineData(null, -0.7)]
    [InlineData(0.4, -0.7)]
    public void GuidanceCombinesTheNoisesToo(double? ofConditional, double? ofUnconditional)
    {
        var (conditional, unconditional) = (new CarriedEstimate(Schedule, 0.5, ofConditional, 0.1), new CarriedEstimate(Schedule, -0.2, ofUnconditional, 0.9));
        foreach (var rule in new[] { GuidanceRule.Linear(3), GuidanceRule.Scheduled(_ => 3), GuidanceRule.Rescaled(3, 0), GuidanceRule.Rescaled(3, 0.7) })
        {
            var guided = Of(new ClassifierFreeGuidance(conditional, unconditional, rule));
            Near(3 * 0.5 + 2 * 0.2, guided.Data);
            Near(0.1, guided.Variance);
            if (ofConditional is null && ofUnconditional is null) Assert.Null(guided.Noise);
            else Near(3 * (ofConditional ?? Derived(0.5)) - 2 * (ofUnconditional ?? Derived(-0.2)), guided.Noise);
        }
    }

    // On a state whose numbers all agree the deviation is 0 and nothing is rescaled, so this takes numbers that differ.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void RescaledNoiseIsCarriedWhereNoiseWas(bool carried)
    {
        using var scope = NewDisposeScope();
        var x = tensor(new[,] { { 0.9, -0.4, 0.2 } });
        var (c, u) = (tensor(new[,] { { 0.5, -0.1, 0.8 } }), tensor(new[,] { { -0.2, 0.3, 0.4 } }));
        var (ec, eu) = (tensor(new[,] { { 1.0, 0.3, -0.8 } }), tensor(new[,] { { -0.5, 0.7, 0.1 } }));
        var combined = GuidanceRule.Rescaled(3, 0.6, GuidedQuantity.Noise).Combine(x, Level, new Estimate(c, carried ? ec : null), new Estimate(u, carried ? eu : null));
        if (!carried) (ec, eu) = ((x - c * Level.Alpha) / Level.Sigma, (x - u * Level.Alpha) / Level.Sigma);
        var guided = ec * 3 - eu * 2;
        var rescaled = guided * (0.6 * ec.std().item<double>() / guided.std().item<double>() + 0.4);
        Assert.Equal(carried, combined.Noise is not null);
        if (carried) Assert.True(combined.Noise!.allclose(rescaled, 1e-12, 1e-12));
        Assert.True(combined.Data.allclose((x - rescaled * Level.Sigma) / Level.Alpha, 1e-12, 1e-12));
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData(0.4, null)]
    [InlineData(null, -0.7)]
    public void ACompositionSumsTheNoisesAndTakesTheLastVariance(double? ofFirst, double? ofUnconditional)
    {
        var composed = new ComposedGuidance(new CarriedEstimate(Schedule, -0.2, ofUnconditional, 0.9), new WeightedCondition(new CarriedEstimate(Schedule, 0.5, ofFirst, 0.1), 2), new WeightedCondition(new CarriedEstimate(Schedule, 0.3), 0.5));
        var (data, noise, variance) = Of(composed);
        Near(2 * 0.5 + 0.5 * 0.3 + 1.5 * 0.2, data);
        Near(0.1, variance); // the second condition has none
        if (ofFirst is null && ofUnconditional is null) Assert.Null(noise);
        else Near(2 * (ofFirst ?? Derived(0.5)) + 0.5 * Derived(0.3) - 1.5 * (ofUnconditional ?? Derived(-0.2)), noise);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(0.4)]
    public void WhatChangesTheDataKeepsTheNoiseOnlyIfAsked(double? carried)
    {
        using var scope = NewDisposeScope();
        var inner = new CarriedEstimate(Schedule, 1.5, carried, 0.1);
        var identity = new MatrixOperator(new[,] { { 1.0, 0 }, { 0, 1 } }, 2);
        foreach (var keep in new[] { false, true })
            foreach (var (wrapper, data) in new (IDenoiser, double)[]
            {
                (new ClampedDenoiser(inner, 0.8, keep), 0.8), (new DynamicThreshold(inner, 0.9, keepNoise: keep), 1), (new NullSpaceDenoiser(inner, identity, full(1, 2, 0.3, float64), keep), 0.3),
            })
            {
                var seen = Of(wrapper);
                Near(data, seen.Data);
                Near(0.1, seen.Variance);
                if (keep) Near(carried ?? Derived(1.5), seen.Noise);
                else Assert.Null(seen.Noise);
            }
    }

    // D + w·σ²/α·∇ and ε − w·σ·∇.
    [Fact]
    public void AGradientShiftsDataAndNoise()
    {
        var (data, noise, variance) = Of(new ClassifierGuidance(new CarriedEstimate(Schedule, 0.5, 0.4, 0.1), (x, _) => x.square().sum([1L]).mul(0.3), 2));
        Near(0.5 + 2 * Level.Sigma * Level.Sigma / Level.Alpha * 0.6 * X, data);
        Near(0.4 - 2 * Level.Sigma * 0.6 * X, noise);
        Near(0.1, variance);
    }

    [Fact]
    public void PlusPlusCarriesTheUnconditionalNoise()
    {
        var guided = Of(new ClassifierFreeGuidance(new CarriedEstimate(Schedule, 0.5, 0.4, 0.1), new CarriedEstimate(Schedule, -0.2, -0.7, 0.9), GuidanceRule.PlusPlus(0.6)));
        Near(0.6 * 0.5 - 0.4 * 0.2, guided.Data);
        Near(-0.7, guided.Noise);
        Near(0.1, guided.Variance);
    }

    [Fact]
    public void EveryRuleNamesWhatIsMissing()
    {
        using var scope = NewDisposeScope();
        var (x, estimate) = (ones(1, 2), new Estimate(ones(1, 2)));
        foreach (var rule in new[]
        {
            GuidanceRule.Linear(2), GuidanceRule.Rescaled(2), GuidanceRule.Projected(2), GuidanceRule.PlusPlus(0.6), GuidanceRule.OptimizedScale(2), GuidanceRule.Scheduled(_ => 2),
        })
        {
            Assert.Equal("x", Assert.Throws<ArgumentNullException>(() => rule.Combine(null!, Level, estimate, estimate)).ParamName);
            Assert.Equal("conditional", Assert.Throws<ArgumentNullException>(() => rule.Combine(x, Level, null!, estimate)).ParamName);
            Assert.Equal("unconditional", Assert.Throws<ArgumentNullException>(() => rule.Combine(x, Level, estimate, null!)).ParamName);
        }
    }

    // Twice the channels: the second half is the variance's, and stays with its sample in the double batch.
    [Fact]
    public void OneDoubleBatchKeepsTheConditionalVariance()
    {
        using var scope = NewDisposeScope();
        using var network = new TwiceTheChannels();
        var condition = Conditioning.ForClasses([0, 2, 1], nullClass: 3);
        NetworkDenoiser Alone(Conditioning given) => new(network, Schedule, Parameterization.V(), given);
        using var noise = NoiseSource.FromSeed(1);
        var x = noise.Next([3, 4], ScalarType.Float64, CPU);
        var two = new ClassifierFreeGuidance(Alone(condition), Alone(condition.DropAll()), 2.5).Denoise(x, Level);
        var one = ClassifierFreeGuidance.Batched(network, Schedule, Parameterization.V(), condition, 2.5).Denoise(x, Level);
        Assert.True(one.Data.allclose(two.Data, 1e-12, 1e-12));
        Assert.True(one.VarianceOutput!.allclose(Alone(condition).Denoise(x, Level).VarianceOutput!, 1e-12, 1e-12));
    }

    private sealed class TwiceTheChannels() : DenoisingNetwork("Twice")
    {
        public override Tensor forward(Tensor x, Tensor label, Conditioning? condition)
        {
            using var scope = NewDisposeScope();
            var shift = condition!.ClassLabels!.to(x.dtype).unsqueeze(1);
            return cat([x.sin() + shift * 0.3, x.cos() - shift * 0.1], 1).MoveToOuterDisposeScope();
        }
    }
}
