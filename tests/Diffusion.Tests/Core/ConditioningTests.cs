using Xunit;

namespace Diffusion.Tests.Core;

public class ConditioningTests
{
    private static Conditioning Everything() => new()
    {
        ClassLabels = tensor(new long[] { 0, 1 }),
        NullClass = 5,
        Vector = ones(2, 3),
        PooledText = ones(2, 4),
        ImageEmbedding = ones(2, 5),
        TimeIds = ones(2, 6),
        GuidanceEmbedding = ones(2, 7),
        Context = ones(2, 3, 4),
        ContextMask = ones(2, 3, dtype: ScalarType.Bool),
        Image = ones(2, 1, 2, 2),
        AugmentationLevel = ones(2),
    };

    [Fact]
    public void DropReplacesMarkedLabelsByTheNullClass()
    {
        using var scope = NewDisposeScope();
        var condition = Conditioning.ForClasses([0, 1, 2], nullClass: 3);
        var dropped = condition.Drop(tensor(new[] { true, false, true }));
        Assert.Equal([3L, 1L, 3L], dropped.ClassLabels!.data<long>().ToArray());
    }

    [Fact]
    public void DroppingLabelsWithoutANullClassIsRefused()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<InvalidOperationException>(() => Conditioning.ForClasses([0]).DropAll());
        Assert.Contains("NullClass", error.Message, StringComparison.Ordinal);
        Assert.NotNull(Conditioning.ForClasses([0]).Drop(ones(1, dtype: ScalarType.Bool), ConditionParts.Text));
    }

    [Theory]
    [InlineData(ConditionParts.None)]
    [InlineData(ConditionParts.Class)]
    [InlineData(ConditionParts.Text)]
    [InlineData(ConditionParts.Image)]
    [InlineData(ConditionParts.ImageEmbedding)]
    [InlineData(ConditionParts.Text | ConditionParts.Image)]
    [InlineData(ConditionParts.All)]
    public void OnlyTheNamedPartsOfMarkedSamplesAreDropped(ConditionParts parts)
    {
        using var scope = NewDisposeScope();
        var dropped = Everything().Drop(tensor(new[] { true, false }), parts);
        void Check(Tensor? t, ConditionParts part)
        {
            Assert.True(t![0].eq(parts.HasFlag(part) && part != ConditionParts.None ? 0 : 1).all().item<bool>());
            Assert.True(t[1].eq(1).all().item<bool>());
        }
        Assert.Equal([parts.HasFlag(ConditionParts.Class) ? 5L : 0, 1], dropped.ClassLabels!.data<long>().ToArray());
        Check(dropped.Vector, ConditionParts.Class);
        Check(dropped.Context, ConditionParts.Text);
        Check(dropped.PooledText, ConditionParts.Text);
        Check(dropped.Image, ConditionParts.Image);
        Check(dropped.ImageEmbedding, ConditionParts.ImageEmbedding);
        Check(dropped.TimeIds, ConditionParts.None);
        Check(dropped.GuidanceEmbedding, ConditionParts.None);
        Check(dropped.AugmentationLevel, ConditionParts.None);
        Assert.True(dropped.ContextMask!.all().item<bool>());
    }

    [Fact]
    public void EveryTensorIsMappedJoinedAndSelected()
    {
        using var scope = NewDisposeScope();
        var condition = Everything();
        Assert.Equal(10, condition.Tensors().Count(t => t is not null));
        Assert.Equal(2, condition.BatchSize);
        Assert.All(condition.Concat(Everything()).Tensors(), t => Assert.Equal(4, t!.shape[0]));
        Assert.All(condition.Select(tensor(new long[] { 1, 1, 0 })).Tensors(), t => Assert.Equal(3, t!.shape[0]));
        Assert.All(condition.To(CPU).Tensors(), t => Assert.NotNull(t));
        Assert.Equal(10, condition.DropAll().Tensors().Count(t => t is not null));
    }

    [Fact]
    public void WhatCannotBeDroppedIsRefused()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentOutOfRangeException>(() => Everything().Drop(ones(2, dtype: ScalarType.Bool), (ConditionParts)64));
        Assert.Contains("bool [2]", Assert.Throws<ArgumentException>(() => Everything().Drop(ones(3, dtype: ScalarType.Bool))).Message, StringComparison.Ordinal);
    }
}
