using Diffusion.Data;
using Xunit;

namespace Diffusion.Tests.Data;

public class ShuffledOrderTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(10)]
    [InlineData(16)]
    [InlineData(97)]
    [InlineData(10_000)]
    public void EveryElementIsAtExactlyOnePosition(int count)
    {
        var order = new ShuffledOrder(count, seed: 5, epoch: 3);
        Assert.Equal(Enumerable.Range(0, count).Select(k => (long)k), Enumerable.Range(0, count).Select(k => order[k]).Order());
    }

    [Fact]
    public void AllPermutationsOfFourElementsAreEquallyLikely()
    {
        const int Draws = 24_000;
        var counts = new Dictionary<string, int>();
        for (var epoch = 0; epoch < Draws; epoch++)
        {
            var order = new ShuffledOrder(4, seed: 1, epoch);
            var key = $"{order[0]}{order[1]}{order[2]}{order[3]}";
            counts[key] = counts.GetValueOrDefault(key) + 1;
        }
        Assert.Equal(24, counts.Count);
        // χ² with 23 degrees of freedom exceeds 60 with a probability below 1e-4.
        Assert.InRange(counts.Values.Sum(n => (n - 1000.0) * (n - 1000.0) / 1000), 0, 60);
    }

    [Fact]
    public void EveryElementIsEquallyLikelyAtEveryPosition()
    {
        const int Count = 12, Draws = 12_000;
        var counts = new double[Count, Count];
        for (var seed = 0; seed < Draws; seed++)
        {
            var order = new ShuffledOrder(Count, seed, epoch: 0);
            for (var k = 0; k < Count; k++) counts[k, order[k]]++;
        }
        // χ² with 11² = 121 degrees of freedom: mean 121, standard deviation 15.6.
        Assert.InRange(counts.Cast<double>().Sum(n => (n - 1000) * (n - 1000) / 1000), 121 - 80, 121 + 80);
    }

    [Fact]
    public void NeighboursDoNotStayTogether()
    {
        // In a random order, |step| ≤ 10 has a probability of 20/10,000: 20 of 10,000 steps, Poisson.
        var order = new ShuffledOrder(10_000, seed: 2, epoch: 0);
        var near = Enumerable.Range(1, 9_999).Count(k => Math.Abs(order[k] - order[k - 1]) <= 10);
        Assert.InRange(near, 4, 45);
    }

    [Fact]
    public void SetsOfAnySizeNeedNoMemory()
    {
        var order = new ShuffledOrder(long.MaxValue, seed: 1, epoch: 1);
        Assert.All(new[] { 0, 1, long.MaxValue / 2, long.MaxValue - 1 }, k => Assert.InRange(order[k], 0, long.MaxValue - 1));
    }
}
