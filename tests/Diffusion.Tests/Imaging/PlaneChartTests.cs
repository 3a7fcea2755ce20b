using Diffusion.Imaging;
using Xunit;

namespace Diffusion.Tests.Imaging;

public sealed class PlaneChartTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    // The frame without layers, and with one: what differs is the layer.
    private static Tensor Drawn(Action<PlaneChart> add)
    {
        var (bare, chart) = (new PlaneChart(-1, 1, -1, 1), new PlaneChart(-1, 1, -1, 1));
        add(chart);
        return (bare.Render() - chart.Render()).abs().sum([0L]).gt(0.1);
    }

    private static (double X, double Y) Middle(Tensor mask)
    {
        var places = mask.nonzero().to(float64).mean([0L]);
        return (places[1].item<double>(), places[0].item<double>());
    }

    [Fact]
    public void PointsLieWhereTheyAre()
    {
        Tensor At(double x, double y) => Drawn(chart => chart.AddPoints(tensor([x, y]).view(1, 2), radius: 3));
        var (center, right, above) = (Middle(At(0, 0)), Middle(At(0.5, 0)), Middle(At(0, 0.5)));
        Assert.InRange(right.X - center.X, 80, 95); // a quarter of the inside of a frame of about 370 pixels
        Assert.Equal(center.Y, right.Y, 0.6);
        Assert.InRange(center.Y - above.Y, 75, 92); // rows count from the top
        Assert.Equal(center.X, above.X, 0.6);
        Assert.False(At(2, 0).any().item<bool>()); // outside
    }

    [Fact]
    public void HeatIsDarkestWhereValuesAreGreatestAndItsFirstRowIsAtTheBottom()
    {
        var values = zeros(8, 8, float64);
        values[0, 7] = 2;
        var place = Middle(Drawn(chart => chart.AddHeat(values)));
        Assert.True(place.X > 300 && place.Y > 280, $"lower right, not {place}");
        double Darkness(double greatest)
        {
            var chart = new PlaneChart(-1, 1, -1, 1);
            chart.AddHeat(values, greatest);
            return -chart.Render()[.., 340, 370].mean().item<float>();
        }

        Assert.True(Darkness(2) > Darkness(8));
        Assert.Equal(0, Drawn(chart => chart.AddHeat(zeros(3, 3))).sum().item<long>()); // nothing is white
    }

    [Fact]
    public void ArrowsAndPathsReachFromEndToEnd()
    {
        var arrow = Drawn(chart => chart.AddArrows(tensor([-0.5, 0.0]).view(1, 2), tensor([1.0, 0.0]).view(1, 2)));
        var columns = arrow.any(0).sum().item<long>();
        Assert.InRange(columns, 165, 190);
        var head = arrow[.., ^40..].any().item<bool>();
        Assert.False(head);
        var path = Drawn(chart => chart.AddPaths(tensor([-0.5, -0.5, 0.5, -0.5, 0.5, 0.5]).view(1, 3, 2)));
        Assert.InRange(path.any(0).sum().item<long>(), 165, 190);
        Assert.InRange(path.any(1).sum().item<long>(), 150, 185);
    }

    [Fact]
    public void RefusesWhatItCannotDraw()
    {
        var chart = new PlaneChart(-1, 1, -1, 1);
        Assert.Throws<ArgumentException>(() => chart.AddPoints(zeros(3, 3)));
        Assert.Throws<ArgumentException>(() => chart.AddPoints(full([1, 2], double.NaN)));
        Assert.Throws<ArgumentException>(() => chart.AddArrows(zeros(3, 2), zeros(2, 2)));
        Assert.Throws<ArgumentException>(() => chart.AddPaths(zeros(3, 2)));
        Assert.Throws<ArgumentException>(() => chart.AddHeat(zeros(0, 2)));
        Assert.Throws<ArgumentOutOfRangeException>(() => chart.AddHeat(zeros(2, 2), 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => chart.AddPoints(zeros(3, 2), -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PlaneChart(1, 1, 0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PlaneChart(0, 1, 0, 1) { Width = 10 });
    }
}
