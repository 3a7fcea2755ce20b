using Xunit;

namespace Diffusion.Tests.Core;

public class RootsTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(1e-3)]
    [InlineData(0.999999)]
    public void BothFindARootToItsLastDigit(double square)
    {
        var (low, high) = Roots.Bisect(0, 3, x => x * x < square);
        Assert.True(low * low < square && high * high >= square);
        Assert.Equal(high, Math.BitIncrement(low));
        Assert.Equal(Math.Sqrt(square), Roots.Newton(0, 3, 1, x => (x * x - square, 2 * x)), 3e-16 * Math.Sqrt(square));
    }

    // Slopes that mislead: flat, wrong by far, missing. The bracket still closes upon the root.
    [Theory]
    [InlineData(0)]
    [InlineData(1e-9)]
    [InlineData(1e9)]
    [InlineData(-1)]
    [InlineData(double.NaN)]
    public void AUselessSlopeCostsStepsButNoDigits(double slope)
    {
        var asked = 0;
        var root = Roots.Newton(-1, 5, 4.9, x =>
        {
            asked++;
            return (x * x * x - 0.2, slope);
        });
        Assert.Equal(Math.Cbrt(0.2), root, 1e-15);
        Assert.InRange(asked, 2, 200);
    }

    [Fact]
    public void NewtonIsQuick()
    {
        var asked = 0;
        Roots.Newton(0, 10, 5, x =>
        {
            asked++;
            return (Math.Exp(x) - 2, Math.Exp(x));
        });
        Assert.InRange(asked, 3, 12);
    }

    [Fact]
    public void ARootThatIsMetIsReturned()
    {
        Assert.Equal(0.5, Roots.Newton(0, 1, 0.5, _ => (0, 1)));
        Assert.Equal((3, 3), Roots.Bisect(3, 3, _ => true));
    }
}
