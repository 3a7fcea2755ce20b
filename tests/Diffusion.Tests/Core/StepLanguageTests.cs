using Diffusion.Denoisers;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Core;

/// <summary>What a formula finds in its step, and the folded sums that formulas are made of.</summary>
public class StepLanguageTests
{
    private static readonly KarrasSchedule _schedule = new();

    [Fact]
    public void AStepKnowsTheLabelOfTheLevelThatItGoesTo()
    {
        var points = new[] { new NoisePoint(NoiseLevel.Of(1, 10), 7), new NoisePoint(NoiseLevel.Of(1, 2), 3), new NoisePoint(NoiseLevel.Of(1, 1)) };
        var grid = TimeGrid.FromPoints(_schedule, points);
        Assert.Equal([3.0, null, null], grid.Select(step => step.ToLabel));
        // A step that ends elsewhere than the next one begins has no label from there; a label that is given stays.
        var jump = new TimeGrid(_schedule, new GridStep(points[0], NoiseLevel.Of(1, 5)), new GridStep(points[1], points[2].Level) { ToLabel = 9 }, new GridStep(points[2], _schedule.Clean));
        Assert.Equal([null, 9.0, null], jump.Select(step => step.ToLabel));
    }

    [Fact]
    public void ASecondEvaluationAtTheEndOfAStepTellsTheNetworkTheNextLabel()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var points = new[] { new NoisePoint(NoiseLevel.Of(1, 10), 7), new NoisePoint(NoiseLevel.Of(1, 2), 3) };
        var asked = new Asked(_schedule);
        new HeunSampler().Sample(asked, ones(1), TimeGrid.FromPoints(_schedule, points), noise);
        Assert.Equal([7.0, 3.0, 3.0], asked.Labels);
    }

    [Fact]
    public void ALevelAboveTheSchedulesNoisiestKeepsItsDataFactor()
    {
        var above = _schedule.AtOrAboveNoise(100);
        Assert.Equal((1.0, 100.0), (above.Alpha, above.Sigma));
        Assert.True(double.IsNaN(above.Time));
        Assert.Equal(_schedule.AtNoiseToSignal(3), _schedule.AtOrAboveNoise(3));
        var preserving = new VariancePreservingSchedule();
        Assert.Equal(preserving.At(1).Alpha, preserving.AtOrAboveNoise(1e4).Alpha);
        Assert.Equal(1e4, preserving.AtOrAboveNoise(1e4).NoiseToSignal, 1e-8);
        Assert.Throws<ArgumentOutOfRangeException>(() => _schedule.AtOrAboveNoise(1e-4));
        Assert.ThrowsAny<ArgumentException>(() => _schedule.AtOrAboveNoise(double.PositiveInfinity));
    }

    [Fact]
    public void ChurnAboveTheNoisiestLevelWorksWhereTheNetworkIsToldSigma()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var asked = new Asked(_schedule);
        new EulerSampler(new Churn(1)).Sample(asked, ones(1, dtype: float64), TimeGrid.Karras(_schedule, 4), noise);
        Assert.Equal(80 * 1.25, asked.Sigmas[0], 1e-10);
    }

    [Fact]
    public void WhatAFormulaKeepsIsFoundInTheRecordAndFreedWithIt()
    {
        using var noise = NoiseSource.FromSeed(0);
        using var start = ones(2, 1, dtype: float64);
        var keeper = new Keeper();
        using (NewDisposeScope()) keeper.Sample(new Asked(_schedule), start, TimeGrid.Karras(_schedule, 6), noise);
        Assert.Equal([0, 1, 2, 2, 2], keeper.Found); // the last step goes to clean data without the formula
        var before = LiveTensors.Count();
        using (NewDisposeScope()) keeper.Sample(new Asked(_schedule), start, TimeGrid.Karras(_schedule, 6), noise);
        Assert.Equal(before, LiveTensors.Count());
    }

    [Fact]
    public void AFoldedSumIsTheSumAndLeavesItsTermsAlone()
    {
        using var scope = NewDisposeScope();
        var (a, b) = (tensor([1.0, 2]), tensor([10.0, 20]));
        var inner = new LinearForm { { 2, a }, { 1, b } };
        var sum = new LinearForm { { 1, a }, { 0.5, inner }, { 0, full(2, double.NaN) } };
        var before = Tensor.TotalCount;
        Assert.Equal([7.0, 14], sum.Evaluate().data<double>().ToArray()); // (1 + 1)·a + ½·b: two passes, one tensor
        Assert.Equal([1.0, 2], a.data<double>().ToArray());
        Assert.Equal([10.0, 20], b.data<double>().ToArray());
        Assert.Equal(before + 1, Tensor.TotalCount);
        Assert.Throws<InvalidOperationException>(() => new LinearForm { { 0, a } }.Evaluate());
    }

    [Fact]
    public void QuadratureOfNPointsIntegratesPolynomialsOfDegreeTwoNMinusOne()
    {
        for (var n = 1; n <= 20; n++)
        {
            var rule = new GaussLegendre(n);
            for (var degree = 0; degree < 2 * n; degree++)
                Assert.Equal((Math.Pow(2, degree + 1) - Math.Pow(-0.5, degree + 1)) / (degree + 1), rule.Integrate(x => Math.Pow(x, degree), -0.5, 2), 1e-13 * Math.Pow(2, degree + 1));
        }

        Assert.Equal(Math.E - 1, new GaussLegendre(8).Integrate(Math.Exp, 0, 1), 14);
    }

    [Fact]
    public void SettingsThatMakeNoSenseAreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Churn(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Churn(1, 2, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Churn(1, noiseScale: double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => new HeunSampler(position: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new EulerAncestralSampler(-0.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LinearMultistepSampler(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DpmPlusPlusSdeSampler(position: 1));
    }

    [Fact]
    public void AnAncestralStepTowardsNoiseIsRefused()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var up = new TimeGrid(_schedule, new GridStep(_schedule.At(0.2), _schedule.At(0.5)));
        foreach (var sampler in new Sampler[] { new EulerAncestralSampler(), new Dpm2AncestralSampler(), new DpmPlusPlus2SAncestralSampler() })
            Assert.Contains("less noise", Assert.Throws<ArgumentException>(() => sampler.Sample(new GaussianDenoiser(_schedule), ones(1), up, noise)).Message, StringComparison.Ordinal);
    }

    private sealed class Asked(NoiseSchedule schedule) : IDenoiser
    {
        public List<double?> Labels { get; } = [];

        public List<double> Sigmas { get; } = [];

        public NoiseSchedule Schedule => schedule;

        public Estimate Denoise(Tensor x, NoisePoint at)
        {
            Labels.Add(at.Label);
            Sigmas.Add(at.Level.Sigma);
            return new Estimate(x.mul(0.5));
        }
    }

    private sealed class Keeper : Sampler
    {
        public List<int> Found { get; } = [];

        protected internal override int HistoryLength => 2;

        protected override Tensor Step(SamplerStep step, Tensor x)
        {
            step.Denoise(x);
            step.Keep(x.mul(step.Index));
            Found.Add(step.History.Count);
            for (var j = 0; j < step.History.Count; j++)
                Assert.Equal(step.History[j].State.mul(step.Index - 1 - j).data<double>().ToArray(), step.History[j].Kept!.data<double>().ToArray());
            return x.mul(0.9);
        }
    }
}
