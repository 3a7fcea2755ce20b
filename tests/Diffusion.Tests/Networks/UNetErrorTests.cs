using Diffusion.Networks;
using Xunit;

namespace Diffusion.Tests.Networks;

public class UNetErrorTests
{
    private static string Fault(UNetConfig config, Func<Tensor> x, Func<Tensor> label, Func<Conditioning?>? condition = null)
    {
        using var scope = NewDisposeScope();
        using var network = new UNet(config);
        return Assert.ThrowsAny<ArgumentException>(() => network.call(x(), label(), condition?.Invoke())).Message;
    }

    private static string FaultOfState(Func<Tensor> x, UNetConfig? config = null) => Fault(config ?? UNetConfigs.Tiny, x, () => ones(2));

    private static string FaultOfCondition(string kind, Func<Conditioning?> condition) =>
        Fault(UNetTests.Config(kind), () => ones(2, 3, 8, 8), () => ones(2), condition);

    [Fact]
    public void TheStateMustFit()
    {
        Assert.Contains("[batch, channels, height, width]", FaultOfState(() => ones(3, 8, 8)), StringComparison.Ordinal);
        Assert.Contains("x has 4 channels; this U-Net takes 3", FaultOfState(() => ones(2, 4, 8, 8)), StringComparison.Ordinal);
        Assert.Contains("Float64 [2, 3, 8, 8] on cpu; this network is Float32", FaultOfState(() => ones(2, 3, 8, 8, float64)), StringComparison.Ordinal);
        Assert.Contains("Int64", FaultOfState(() => ones(2, 3, 8, 8, int64)), StringComparison.Ordinal);
        Assert.Contains("on meta", FaultOfState(() => ones(2, 3, 8, 8, device: META)), StringComparison.Ordinal);
        Assert.Contains("halves 1 times, so height and width must be multiples of 2", FaultOfState(() => ones(2, 3, 8, 9)), StringComparison.Ordinal);
        Assert.Contains("multiples of 8", FaultOfState(() => ones(2, 3, 12, 8), UNetConfigs.Cifar10 with { BlockOutChannels = [32, 32, 32, 32] }), StringComparison.Ordinal);
        Assert.Contains("there must be a sample", FaultOfState(() => ones(0, 3, 8, 8)), StringComparison.Ordinal);
        Assert.Contains("and it a pixel", FaultOfState(() => ones(2, 3, 0, 8)), StringComparison.Ordinal);
        Assert.Contains("'x'", FaultOfState(() => null!), StringComparison.Ordinal);
    }

    [Fact]
    public void TheNoiseLabelMustFit()
    {
        static string FaultOfLabel(Func<Tensor> label) => Fault(UNetConfigs.Tiny, () => ones(2, 3, 8, 8), label);
        Assert.Contains("label is Float32 [3] on cpu; one number a sample, [2] on cpu, is needed", FaultOfLabel(() => ones(3)), StringComparison.Ordinal);
        Assert.Contains("label is Float32 [] on cpu", FaultOfLabel(() => tensor(1f)), StringComparison.Ordinal);
        Assert.Contains("label is Bool", FaultOfLabel(() => ones(2, dtype: ScalarType.Bool)), StringComparison.Ordinal);
        Assert.Contains("label is ComplexFloat32", FaultOfLabel(() => ones(2, dtype: complex64)), StringComparison.Ordinal);
        Assert.Contains("on meta", FaultOfLabel(() => ones(2, device: META)), StringComparison.Ordinal);
        Assert.Contains("'label'", FaultOfLabel(() => null!), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(10f, "is 10; whole numbers from 0 to 9")]
    [InlineData(-1f, "is -1;")]
    [InlineData(1.5f, "is 1.5;")]
    [InlineData(float.NaN, "is NaN;")]
    public void ALearnedNoiseLabelMustBeInTheTable(float label, string fault)
    {
        var message = Fault(UNetTests.Config("learned"), () => ones(2, 3, 8, 8), () => tensor(new[] { 0, label }));
        Assert.Contains("noise labels " + fault, message, StringComparison.Ordinal);
    }

    [Fact]
    public void AConditionalNetworkNeedsItsCondition()
    {
        Assert.Contains("class-conditional and no class was given", FaultOfCondition("table", () => null), StringComparison.Ordinal);
        Assert.Contains("no class was given", FaultOfCondition("table", () => new()), StringComparison.Ordinal);
        Assert.Contains("no class was given", FaultOfCondition("timestep class", () => null), StringComparison.Ordinal);
        Assert.Contains("Vector [batch, 16] is needed", FaultOfCondition("identity", () => null), StringComparison.Ordinal);
        Assert.Contains("Vector [batch, 16] is needed", FaultOfCondition("identity", () => new()), StringComparison.Ordinal);
    }

    [Fact]
    public void ANetworkRefusesAConditionItDoesNotTake()
    {
        Assert.Contains("ClassLabels; this U-Net takes none", FaultOfCondition("tiny", () => new() { ClassLabels = ones(2, int64) }), StringComparison.Ordinal);
        Assert.Contains("ClassLabels; this U-Net takes none", FaultOfCondition("identity", () => new() { ClassLabels = ones(2, int64), Vector = ones(2, 16) }), StringComparison.Ordinal);
        Assert.Contains("Vector; this U-Net takes none", FaultOfCondition("tiny", () => new() { Vector = ones(2, 16) }), StringComparison.Ordinal);
        Assert.Contains("gives Context;", FaultOfCondition("tiny", () => new() { Context = ones(2, 4, 16) }), StringComparison.Ordinal);
        Assert.Contains("gives ContextMask;", FaultOfCondition("tiny", () => new() { ContextMask = ones(2, 4) }), StringComparison.Ordinal);
        Assert.Contains("gives AugmentationLevel;", FaultOfCondition("tiny", () => new() { AugmentationLevel = ones(2) }), StringComparison.Ordinal);
        Assert.Contains("x has 3 channels and the condition's Image 3; this U-Net takes 3", FaultOfCondition("tiny", () => new() { Image = ones(2, 3, 8, 8) }), StringComparison.Ordinal);
        Assert.Contains("Image is Float32 [2, 3, 4, 4] on cpu", FaultOfCondition("tiny", () => new() { Image = ones(2, 3, 4, 4) }), StringComparison.Ordinal);
    }

    [Fact]
    public void ClassLabelsMustFit()
    {
        Assert.Contains("class labels is 5; whole numbers from 0 to 4 are needed", FaultOfCondition("table", () => new() { ClassLabels = tensor(new long[] { 0, 5 }) }), StringComparison.Ordinal);
        Assert.Contains("class labels is -1;", FaultOfCondition("table", () => new() { ClassLabels = tensor(new long[] { -1, 0 }) }), StringComparison.Ordinal);
        Assert.Contains("Int64 [3] on cpu; int64 [2] on cpu is needed", FaultOfCondition("table", () => new() { ClassLabels = ones(3, int64) }), StringComparison.Ordinal);
        Assert.Contains("Int64 [2, 1]", FaultOfCondition("table", () => new() { ClassLabels = ones(2, 1, int64) }), StringComparison.Ordinal);
        Assert.Contains("Float32 [2]", FaultOfCondition("table", () => new() { ClassLabels = ones(2) }), StringComparison.Ordinal);
        Assert.Contains("Bool [2]", FaultOfCondition("timestep class", () => new() { ClassLabels = ones(2, ScalarType.Bool) }), StringComparison.Ordinal);
        Assert.Contains("Vector is Float32 [2, 8] on cpu; Float32 [2, 16] on cpu is needed", FaultOfCondition("identity", () => new() { Vector = ones(2, 8) }), StringComparison.Ordinal);
        Assert.Contains("Vector is Float64", FaultOfCondition("identity", () => new() { Vector = ones(2, 16, float64) }), StringComparison.Ordinal);
    }
}
