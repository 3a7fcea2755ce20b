using Diffusion.Schedules;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Training;

public class PartialConditionDropoutTests
{
    private const int Batch = 4000;

    private static DenoisingObjective Plain(double dropout = 0) =>
        new(new RectifiedFlowSchedule(), Parameterization.Velocity()) { ConditionDropout = dropout };

    private static Conditioning Condition() => new()
    {
        Context = ones(Batch, 2, 3),
        PooledText = ones(Batch, 2),
        Image = ones(Batch, 1, 1, 1),
        TimeIds = ones(Batch, 6),
        Vector = ones(Batch, 2),
    };

    [Theory]
    [InlineData(0)]
    [InlineData(0.2)]
    public void PartsAreDroppedIndependentlyOfEachOtherAndOfTheWhole(double whole)
    {
        using var scope = NewDisposeScope();
        using var network = new RecordingNetwork();
        var objective = new PartialConditionDropout(
            Plain(whole), new Dictionary<ConditionParts, double> { [ConditionParts.Text] = 0.3, [ConditionParts.Image] = 0.1 });
        objective.Loss(network, randn(Batch, 1, 1, 1), Condition(), NoiseSource.FromSeed(1));
        var (text, image) = (network.Text!, network.Image!);
        // Within five standard deviations of a count of that probability.
        void Count(double probability, Func<int, bool> has)
        {
            var count = Enumerable.Range(0, Batch).Count(has);
            Assert.True(Math.Abs(count - probability * Batch) < 5 * Math.Sqrt(Batch * probability * (1 - probability)), $"{count} of {Batch}, {probability} expected");
        }
        Count((1 - whole) * 0.7 * 0.9, i => text[i] && image[i]);
        Count((1 - whole) * 0.7 * 0.1, i => text[i] && !image[i]);
        Count((1 - whole) * 0.3 * 0.9, i => !text[i] && image[i]);
        Count(whole + (1 - whole) * 0.3 * 0.1, i => !text[i] && !image[i]);
        Assert.Equal(text, network.PooledText!); // parts named together go together
        Assert.True(network.Sizes);
    }

    [Fact]
    public void WithProbabilityZeroTheLossIsThatOfTheObjectiveItself()
    {
        using var scope = NewDisposeScope();
        using var network = new RecordingNetwork();
        var x = randn(Batch, 1, 1, 1);
        var dropping = new PartialConditionDropout(Plain(), new Dictionary<ConditionParts, double> { [ConditionParts.Class] = 0 });
        dropping.Loss(network, x, Condition(), NoiseSource.FromSeed(1));
        Assert.All(network.Text!, Assert.True);
        var plain = Plain().Loss(network, x, null, NoiseSource.FromSeed(1));
        Assert.Equal(plain.item<float>(), dropping.Loss(network, x, null, NoiseSource.FromSeed(1)).item<float>());
    }

    [Fact]
    public void TermsAreThoseOfTheLossAndNothingElseStays()
    {
        using var network = new RecordingNetwork();
        using var scope = NewDisposeScope();
        var (x, condition) = (randn(Batch, 1, 1, 1), Condition());
        var objective = new PartialConditionDropout(Plain(), new Dictionary<ConditionParts, double> { [ConditionParts.All] = 0.5 });
        var loss = objective.Loss(network, x, condition, NoiseSource.FromSeed(3));
        var before = LiveTensors.Count();
        var terms = objective.Terms(network, x, condition, NoiseSource.FromSeed(3));
        Assert.Equal(before + 2, LiveTensors.Count());
        Assert.Equal(loss.item<float>(), terms.Loss.item<float>());
        Assert.Equal(Batch, terms.Levels!.Count);
        Assert.True(condition.Context!.eq(1).all().item<bool>()); // what was given stays as it was
    }

    [Fact]
    public void WhatCannotBeDroppedIsRefused()
    {
        using var scope = NewDisposeScope();
        Assert.Contains("name at least one", Assert.Throws<ArgumentException>(() => new PartialConditionDropout(Plain(), new Dictionary<ConditionParts, double>())).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new PartialConditionDropout(Plain(), new Dictionary<ConditionParts, double> { [ConditionParts.None] = 0.5 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PartialConditionDropout(Plain(), new Dictionary<ConditionParts, double> { [ConditionParts.Text] = double.NaN }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PartialConditionDropout(Plain(), new Dictionary<ConditionParts, double> { [ConditionParts.Text] = 1.5 }));
        var labels = new Conditioning { ClassLabels = zeros(2, int64), Context = ones(2, 2, 3) };
        using var network = new RecordingNetwork();
        var classes = new PartialConditionDropout(Plain(), new Dictionary<ConditionParts, double> { [ConditionParts.Class] = 0.5 });
        Assert.Contains("NullClass", Assert.Throws<InvalidOperationException>(() => classes.Loss(network, ones(2, 1, 1, 1), labels, NoiseSource.FromSeed(1))).Message, StringComparison.Ordinal);
    }

    /// <summary>Remembers which conditions it was given.</summary>
    private sealed class RecordingNetwork() : DenoisingNetwork("Recording")
    {
        public bool[]? Text { get; private set; }

        public bool[]? PooledText { get; private set; }

        public bool[]? Image { get; private set; }

        public bool Sizes { get; private set; }

        public override Tensor forward(Tensor x, Tensor label, Conditioning? condition)
        {
            using var scope = NewDisposeScope();
            if (condition is not null)
            {
                static bool[] Present(Tensor t) => t.flatten(1).gt(0).all(1).data<bool>().ToArray();
                (Text, PooledText, Image) = (Present(condition.Context!), Present(condition.PooledText!), Present(condition.Image!));
                Sizes = condition.TimeIds!.eq(1).all().item<bool>();
            }
            return (x * 0.5).MoveToOuterDisposeScope();
        }
    }
}
