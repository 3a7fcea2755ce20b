using Diffusion.Data;
using Xunit;

namespace Diffusion.Tests.Data;

public class RandomStreamTests
{
    [Fact]
    public void TheSameKeyGivesTheSameNumbers() =>
        Assert.Equal(Draw(new RandomStream(1, 2, 3)), Draw(new RandomStream(1, 2, 3)));

    [Fact]
    public void EveryPartOfTheKeyAndItsPlaceCount()
    {
        long[][] keys = [[1, 2, 3], [1, 2, 4], [1, 3, 3], [0, 2, 3], [3, 2, 1], [1, 2], [1, 2, 3, 0], [-1, 2, 3]];
        Assert.Equal(keys.Length, keys.Select(key => Draw(new RandomStream(key))[0]).Distinct().Count());
    }

    [Fact]
    public void FirstNumbersOfNeighbouringKeysAreUniformAndUncorrelated()
    {
        // Mean of 20,000 uniform numbers: standard error 0.29/141 = 0.002; of a product of two centred ones: 0.083/141 = 0.0006.
        var first = Enumerable.Range(0, 20_000).Select(k => new RandomStream(7, k).NextDouble() - 0.5).ToArray();
        Assert.InRange(first.Average(), -0.008, 0.008);
        Assert.InRange(first.Average(v => v * v), 1 / 12.0 - 0.003, 1 / 12.0 + 0.003);
        Assert.InRange(first.Zip(first.Skip(1), (a, b) => a * b).Average(), -0.0024, 0.0024);
    }

    [Fact]
    public void IntegersReachBothEndsAndNothingElse()
    {
        var random = new RandomStream(1);
        var counts = new int[5];
        for (var k = 0; k < 5000; k++) counts[random.NextInteger(5)]++;
        Assert.All(counts, count => Assert.InRange(count, 1000 - 150, 1000 + 150)); // five standard errors of 28
        Assert.Throws<ArgumentOutOfRangeException>(() => random.NextInteger(0));
    }

    private static double[] Draw(RandomStream random) => [random.NextDouble(), random.NextDouble(-3, 5), random.NextInteger(1000)];
}
