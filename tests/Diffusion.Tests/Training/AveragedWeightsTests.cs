using System.Globalization;
using Diffusion.Checkpoints;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Training;

public class AveragedWeightsTests
{
    public static TheoryData<string> RecordedRules => ["ema0", "ema1", "ema2", "ema3"];

    private static AveragingRule Rule(string name) => name switch
    {
        "ema0" => AveragingRule.Ramp(0.9999),
        "ema1" => AveragingRule.WarmUp(0.999),
        "ema2" => AveragingRule.WarmUp(0.9999, 1, 0.75),
        _ => AveragingRule.Ramp(0.995, 0.5, 10),
    };

    [Theory]
    [MemberData(nameof(RecordedRules))]
    public void DecaysAndAveragesAreThoseOfDiffusers(string name)
    {
        using var file = SafetensorsFile.Open(Path.Combine(Shared.Require("golden/training"), "data.safetensors"));
        using var scope = NewDisposeScope();
        var steps = file.Read($"{name}.steps").to(float64).data<double>().ToArray();
        var decays = file.Read($"{name}.decay").to(float64).data<double>().ToArray();
        for (var i = 0; i < steps.Length; i++)
            Assert.Equal(decays[i], steps[i] < 1 ? 0 : Rule(name).Decay((long)steps[i]), 1e-7); // recorded in float32

        var weights = file.Read($"{name}.weights"); // [update, …]
        var shadow = file.Read($"{name}.shadow");
        using var network = new OneTensor(file.Read($"{name}.w0"));
        using var average = new AveragedWeights(network, Rule(name));
        for (var i = 0; i < weights.shape[0]; i++)
        {
            network.Set(weights[i]);
            average.Update();
            Assert.True(average.Values["w"].allclose(shadow[i], 1e-6, 1e-6), string.Create(CultureInfo.InvariantCulture, $"update {i}"));
        }
    }

    // β_t = (1 − 1/t)^{γ+1} is by definition the average with weights (s/t)^{γ+1} − ((s−1)/t)^{γ+1}.
    [Theory]
    [InlineData(0)]
    [InlineData(6.937204)]
    public void PowerFunctionWeighsUpdatesByAPowerOfTheirNumber(double gamma)
    {
        using var scope = NewDisposeScope();
        using var network = new OneTensor(zeros(1, ScalarType.Float64));
        using var average = new AveragedWeights(network, AveragingRule.PowerFunction(gamma));
        var expected = 0.0;
        for (var s = 1; s <= 50; s++)
        {
            var value = Math.Sin(s);
            expected += value * (Math.Pow(s / 50.0, gamma + 1) - Math.Pow((s - 1) / 50.0, gamma + 1));
            network.Set(tensor([value]));
            average.Update();
        }

        Assert.Equal(expected, average.Values["w"].item<double>(), 1e-14);
    }

    [Theory]
    [InlineData(0.05, 16.972199)]
    [InlineData(0.10, 6.937204)]
    [InlineData(0.15, 3.557869)]
    [InlineData(0.20, 1.826214)]
    public void WidthsHaveTheirExponents(double width, double gamma)
    {
        Assert.Equal(gamma, PowerFunctionRule.GammaOf(width), 1e-6);
        Assert.Equal(width, PowerFunctionRule.WidthOf(PowerFunctionRule.GammaOf(width)), 1e-12);
    }

    [Fact]
    public void HalfLifeForgetsHalf() => Assert.Equal(0.5, Math.Pow(AveragingRule.HalfLife(20).Decay(1), 20), 1e-12);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AppliedChangesPlacesAndBackBitForBit(bool fused)
    {
        using var scope = NewDisposeScope();
        using var network = new OneTensor(tensor([1f / 3, 2f / 3]));
        using var average = new AveragedWeights(network, AveragingRule.Constant(0.9), fused ? TensorKernels.Best : TensorKernels.Loop);
        network.Set(tensor([1.1f, 7.7f]));
        average.Update();
        var averaged = average.Values["w"].clone();
        Assert.True(averaged.allclose(tensor([0.9f / 3 + 0.11f, 1.8f / 3 + 0.77f])));
        using (average.Applied())
        {
            Assert.True(network.w.IsExactly(averaged));
            Assert.Throws<InvalidOperationException>(average.Update);
            Assert.Throws<InvalidOperationException>(average.Applied);
        }

        Assert.True(network.w.IsExactly(tensor([1.1f, 7.7f])));
        Assert.True(average.Values["w"].IsExactly(averaged));
        using var other = new OneTensor(zeros(2));
        average.CopyTo(other);
        Assert.True(other.w.IsExactly(averaged));
        using var wrong = new OneTensor(zeros(3));
        Assert.Throws<ArgumentException>(() => average.CopyTo(wrong));
    }

    [Fact]
    public void UpdatingLeavesNoTensorBehind()
    {
        using var network = new OneTensor(ones(3));
        var none = LiveTensors.Count();
        using (var average = new AveragedWeights(network, AveragingRule.Constant(0.9)))
        {
            Assert.Equal(none + 1, LiveTensors.Count());
            for (var i = 0; i < 5; i++) average.Update();
            using (average.Applied())
            {
            }

            Assert.Equal(none + 1, Tensor.TotalCount);
        }

        Assert.Equal(none, Tensor.TotalCount);
    }

    [Fact]
    public void RejectsBadNumbers()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => AveragingRule.Constant(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => AveragingRule.Constant(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => AveragingRule.HalfLife(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => AveragingRule.Ramp(0.9, 0.95));
        Assert.Throws<ArgumentOutOfRangeException>(() => AveragingRule.WarmUp(power: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => AveragingRule.PowerFunction(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => AveragingRule.PowerFunctionOfWidth(0.3));
        Assert.Throws<ArgumentOutOfRangeException>(() => AveragingRule.Constant(0.5).Decay(0));
    }
}
