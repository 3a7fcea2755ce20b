using Xunit;

namespace Diffusion.Tests.Core;

public class ConditioningTests
{
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
    }
}
