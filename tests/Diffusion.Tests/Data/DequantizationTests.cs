using Diffusion.Data;
using Xunit;

namespace Diffusion.Tests.Data;

public class DequantizationTests
{
    [Fact]
    public void DataIsSpreadEvenlyOverItsBinsAndAlikeInEveryBatch()
    {
        using var scope = NewDisposeScope();
        var levels = Quantization.Bytes;
        var transform = new Dequantization(levels);
        var data = full([2, 1, 100, 100], (float)(levels.Minimum + 17 * levels.Step), float32);
        var result = transform.Apply(data, [new RandomStream(1), new RandomStream(2)]);
        var offset = ((result - data).to(float64) / levels.Step).data<double>().ToArray();
        Assert.All(offset, u => Assert.InRange(u, -0.5 - 1e-4, 0.5 + 1e-4)); // rounding of float32
        Assert.Equal(0, offset.Average(), 4 * Math.Sqrt(1.0 / 12 / offset.Length));
        Assert.Equal(1.0 / 12, offset.Average(u => u * u), 4 * Math.Sqrt(1.0 / 180 / offset.Length));
        var alone = transform.Apply(data[1..].contiguous(), [new RandomStream(2)]);
        Assert.True(alone.eq(result[1..]).all().item<bool>());
        Assert.False(result[0].eq(result[1]).any().item<bool>() && result[0].eq(result[1]).all().item<bool>());
        Assert.Equal((float)(levels.Minimum + 17 * levels.Step), data[0, 0, 0, 0].item<float>());
        Assert.Throws<ArgumentException>(() => transform.Apply(data.to(float64), [new RandomStream(1), new RandomStream(2)]));
        Assert.Throws<ArgumentException>(() => transform.Apply(data, [new RandomStream(1)]));
    }
}
