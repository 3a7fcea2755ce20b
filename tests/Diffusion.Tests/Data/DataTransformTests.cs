using Diffusion.Data;
using Xunit;

namespace Diffusion.Tests.Data;

public class DataTransformTests
{
    [Fact]
    public void AFlipMirrorsTheWidthAlone()
    {
        using var scope = NewDisposeScope();
        var x = rand(2, 3, 4, 5);
        Assert.True(new RandomHorizontalFlip(1).Apply(x, Streams(2)).equal(x.flip(3)).all().item<bool>());
        Assert.True(new RandomHorizontalFlip(0).Apply(x, Streams(2)).equal(x).all().item<bool>());
    }

    [Fact]
    public void HalfOfTheImagesAreFlippedAndTheArgumentIsLeftAlone()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new float[] { 0, 1 }).view(1, 1, 1, 2).repeat(1000, 1, 1, 1);
        var flipped = (int)new RandomHorizontalFlip().Apply(x, Streams(1000))[TensorIndex.Ellipsis, 0].sum().item<float>();
        Assert.InRange(flipped, 500 - 80, 500 + 80); // five standard errors
        Assert.Equal(0, x[TensorIndex.Ellipsis, 0].sum().item<float>());
    }

    [Fact]
    public void ACropIsAWindowOfThePaddedImage()
    {
        using var scope = NewDisposeScope();
        var x = rand(64, 2, 5, 6);
        var y = new RandomCrop(4, 6, padding: 2, fill: 0.25).Apply(x, Streams(64));
        Assert.Equal([64, 2, 4, 6], y.shape);
        var padded = nn.functional.pad(x, [2, 2, 2, 2], PaddingModes.Constant, 0.25);
        var places = new HashSet<(int, int)>();
        for (var k = 0; k < 64; k++)
        {
            var matches =
                from top in Enumerable.Range(0, 6)
                from left in Enumerable.Range(0, 5)
                where padded[k].slice(1, top, top + 4, 1).slice(2, left, left + 6, 1).equal(y[k]).all().item<bool>()
                select (top, left);
            places.Add(Assert.Single(matches));
        }
        Assert.True(places.Select(p => p.Item1).Distinct().Count() == 6 && places.Select(p => p.Item2).Distinct().Count() == 5);
    }

    [Fact]
    public void AnAffineChangeOfNothingIsTheIdentity()
    {
        using var scope = NewDisposeScope();
        var x = rand(3, 2, 7, 5);
        Assert.True(new RandomAffine().Apply(x, Streams(3)).allclose(x, atol: 1e-6));
    }

    [Fact]
    public void AnAffineChangeMovesTurnsAndScalesWithinItsLimits()
    {
        using var scope = NewDisposeScope();
        // A blob off the centre: its centre of mass tells shift and rotation, its mass the scale.
        var (ys, xs) = (arange(33, dtype: float32).view(33, 1) - 16, arange(33, dtype: float32).view(1, 33) - 16);
        var blob = (-((xs - 6).square() + ys.square()) / 8).exp().view(1, 1, 33, 33);
        (double X, double Y, double Mass) Measure(Tensor image)
        {
            var mass = image.sum().item<float>();
            return ((image * xs).sum().item<float>() / mass, (image * ys).sum().item<float>() / mass, mass);
        }
        var still = Measure(blob[0, 0]);
        for (var k = 0; k < 30; k++)
        {
            var turned = Measure(new RandomAffine(rotation: 0.5, fill: 0).Apply(blob, Streams(1, k))[0, 0]);
            Assert.InRange(Math.Sqrt(turned.X * turned.X + turned.Y * turned.Y), 5.95, 6.05);
            Assert.InRange(Math.Atan2(turned.Y, turned.X), -0.51, 0.51);
            var moved = Measure(new RandomAffine(translation: 3, fill: 0).Apply(blob, Streams(1, k))[0, 0]);
            Assert.InRange(moved.X - still.X, -3.01, 3.01);
            Assert.InRange(moved.Y - still.Y, -3.01, 3.01);
            var scaled = Measure(new RandomAffine(scale: 1.3, fill: 0).Apply(blob, Streams(1, k))[0, 0]);
            var factor = scaled.X / still.X;
            Assert.InRange(factor, 1 / 1.31, 1.31);
            Assert.Equal(factor * factor, scaled.Mass / still.Mass, 0.02);
        }
    }

    [Fact]
    public void SettingsAndImagesThatCannotWorkAreRefused()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentOutOfRangeException>(() => new RandomHorizontalFlip(1.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RandomHorizontalFlip(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RandomCrop(0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RandomCrop(1, 1, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RandomCrop(1, 1, fill: double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RandomAffine(scale: 0.5));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RandomAffine(rotation: double.PositiveInfinity));
        Assert.Contains("9×4", Assert.Throws<ArgumentException>(() => new RandomCrop(9, 4, 2).OutputShape([3, 4, 4])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new RandomHorizontalFlip().Apply(zeros(2, 3, 4), Streams(2)));
        Assert.Throws<ArgumentException>(() => new RandomHorizontalFlip().Apply(zeros(2, 3, 4, 4, float64), Streams(2)));
        Assert.Throws<ArgumentException>(() => new RandomHorizontalFlip().Apply(zeros(2, 3, 4, 5).transpose(2, 3), Streams(2)));
        Assert.Throws<ArgumentException>(() => new RandomHorizontalFlip().Apply(zeros(2, 3, 4, 4), Streams(3)));
        Assert.Throws<ArgumentNullException>(() => new RandomHorizontalFlip().Apply(null!, Streams(3)));
    }

    private static RandomStream[] Streams(int count, long seed = 0) =>
        [.. Enumerable.Range(0, count).Select(k => new RandomStream(seed, k))];
}
