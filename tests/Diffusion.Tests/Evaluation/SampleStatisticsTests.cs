using Diffusion.Evaluation;
using Xunit;

namespace Diffusion.Tests.Evaluation;

public class SampleStatisticsTests
{
    [Fact]
    public void VarianceIsTakenWithinAClassAndNotBetweenClasses()
    {
        using var scope = NewDisposeScope();
        var samples = tensor(new[] { 0.0, 2.0, 100.0, 104.0, 7.0 }).view(5, 1);
        var labels = tensor(new long[] { 0, 0, 1, 1, 2 });
        Assert.Equal((2 + 8) / 2.0, SampleStatistics.WithinClassVariance(samples, labels), 1e-12);
    }

    [Fact]
    public void NearestDistancesAreThoseOfTheNearest()
    {
        using var scope = NewDisposeScope();
        var samples = tensor(new[] { 0f, 0f, 10f, 0f }).view(2, 2);
        var reference = tensor(new[] { 3f, 4f, 10f, 1f, -20f, 0f }).view(3, 2);
        var distances = SampleStatistics.NearestDistances(samples, reference).data<float>().ToArray();
        Assert.Equal(5, distances[0], 1e-4);
        Assert.Equal(1, distances[1], 1e-4);
    }
}
