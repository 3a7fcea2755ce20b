using Diffusion.Data;
using Xunit;

namespace Diffusion.Tests.Data;

public class ShapesDataSetTests
{
    private const int Size = 32;

    [Fact]
    public void ASampleFollowsFromSeedAndIndexAlone()
    {
        using var scope = NewDisposeScope();
        using var set = new ShapesDataSet(seed: 3);
        using var same = new ShapesDataSet(seed: 3);
        using var other = new ShapesDataSet(seed: 4);
        var sample = set.Get(17).Data;
        Assert.True(sample.equal(same.Get(5, 17).Data[1]).all().item<bool>());
        Assert.False(sample.equal(other.Get(17).Data).all().item<bool>());
        Assert.Equal([3, Size, Size], set.SampleShape);
        Assert.Equal(10, set.ClassCount);
        Assert.Equal((long)set.Attributes(17).Kind, set.Get(17).Labels!.item<long>());
    }

    [Fact]
    public void PixelsAreInRangeAndCornersAreGround()
    {
        using var scope = NewDisposeScope();
        using var set = new ShapesDataSet(seed: 1);
        var images = set.Get([.. Enumerable.Range(0, 500).Select(k => (long)k)]).Data;
        Assert.InRange(images.min().item<float>(), -1, 1);
        Assert.InRange(images.max().item<float>(), -1, 1);
        for (var k = 0; k < 500; k++)
        {
            var ground = set.Attributes(k).Background;
            Assert.Equal([ground.Red, ground.Green, ground.Blue], images[k, .., 0, 31].data<float>().ToArray());
        }
    }

    /// <summary>Every attribute is found again in the pixels, by measurements that know nothing of how the shape was drawn.</summary>
    [Theory]
    [InlineData(32)]
    [InlineData(96)]
    public void ColourCentreAreaAndRadiusAreWhatThePixelsShow(int size)
    {
        using var set = new ShapesDataSet(seed: 2, size);
        for (var k = 0; k < 150; k++)
        {
            var known = set.Attributes(k);
            var seen = Measured.From(set, k, size);
            // The deepest pixel lies wholly within the shape: every shape here is more than three pixels thick.
            Assert.Equal(known.Foreground.Red, seen.Foreground.Red, 1e-5);
            Assert.Equal(known.Foreground.Green, seen.Foreground.Green, 1e-5);
            Assert.Equal(known.Foreground.Blue, seen.Foreground.Blue, 1e-5);
            // Sampling an edge once a pixel moves it by at most some hundredths of a pixel on average; points and
            // notches are rounded off within a pixel or so, which matters for the star most.
            Assert.InRange(seen.CenterX - known.CenterX, -0.2, 0.2);
            Assert.InRange(seen.CenterY - known.CenterY, -0.2, 0.2);
            Assert.InRange(seen.Area / known.Area, 1 - 0.04 * 32 / size, 1 + 0.04 * 32 / size);
            Assert.InRange(seen.Reach - known.Radius, -1.5, 1.0);
        }
    }

    [Fact]
    public void TheRotationIsWhatThePixelsShow()
    {
        using var set = new ShapesDataSet(seed: 3);
        for (var k = 9L; k < 2000; k += 10)
        {
            // The long axis of a bar, from its second moments.
            var known = set.Attributes(k);
            Assert.Equal(ShapeKind.Bar, known.Kind);
            Assert.InRange(Measured.From(set, k, Size).Axis - known.Rotation, -0.03, 0.03);
        }
    }

    [Fact]
    public void ShapesLieWithinTheImageAndInTheirRanges()
    {
        using var set = new ShapesDataSet();
        for (var k = 0; k < 5000; k++)
        {
            var shape = set.Attributes(k);
            Assert.InRange(shape.Radius, 8, 12);
            Assert.InRange(shape.Rotation, -Math.PI / 6, Math.PI / 6);
            Assert.InRange(shape.CenterX - shape.Radius, 1, 32);
            Assert.InRange(shape.CenterX + shape.Radius, 0, 31);
            Assert.InRange(shape.CenterY - shape.Radius, 1, 32);
            Assert.InRange(shape.CenterY + shape.Radius, 0, 31);
        }
    }

    [Fact]
    public void ClassesAreBalancedAndSayNothingAboutTheOtherAttributes()
    {
        const int Count = 20_000;
        using var set = new ShapesDataSet(seed: 5);
        var shapes = Enumerable.Range(0, Count).Select(k => set.Attributes(k)).ToArray();
        Assert.All(shapes.CountBy(shape => shape.Kind), pair => Assert.Equal(Count / 10, pair.Value));

        Func<ShapeAttributes, double>[] attributes =
        [
            s => s.Hue, s => s.Radius, s => s.CenterX, s => s.CenterY, s => s.Rotation, s => s.Foreground.Green, s => s.Background.Blue,
        ];
        var standardised = attributes.Select(of => Standardised([.. shapes.Select(of)])).ToArray();
        foreach (var values in standardised)
        {
            // The mean of 2,000 standardised numbers has a standard error of 0.022; 70 of them stay within 4.5 of these.
            foreach (var kind in Enum.GetValues<ShapeKind>())
                Assert.InRange(values.Where((_, k) => shapes[k].Kind == kind).Average(), -0.1, 0.1);
        }
        for (var a = 0; a < 5; a++)
            for (var b = 0; b < a; b++)
                Assert.InRange(standardised[a].Zip(standardised[b], (x, y) => x * y).Average(), -0.032, 0.032); // 4.5/√20,000
    }

    [Fact]
    public void KindsDifferInShapeHoweverTheyAreTurned()
    {
        // The share of their area in which two kinds of one radius differ, at the rotations where they differ least. At 32 pixels the
        // blur of an edge, half a pixel wide, covers at most a tenth.
        static double Difference(ShapeKind a, ShapeKind b)
        {
            var least = 1.0;
            for (var turn = -6; turn <= 6; turn++)
            {
                var angle = turn * Math.PI / 18; // up to 60° apart: 30° either way for each
                int differ = 0, inside = 0;
                for (var y = -1f; y <= 1; y += 0.05f)
                {
                    for (var x = -1f; x <= 1; x += 0.05f)
                    {
                        var inA = ShapeOutline.Of(a).Distance(x, y) < 0;
                        var (c, s) = ((float)Math.Cos(angle), (float)Math.Sin(angle));
                        var inB = ShapeOutline.Of(b).Distance(c * x + s * y, c * y - s * x) < 0;
                        if (inA || inB) inside++;
                        if (inA != inB) differ++;
                    }
                }
                least = Math.Min(least, (double)differ / inside);
            }
            return least;
        }
        var kinds = Enum.GetValues<ShapeKind>();
        foreach (var a in kinds)
            foreach (var b in kinds)
                if (a < b) Assert.True(Difference(a, b) > 0.15, $"{a} and {b} differ in {Difference(a, b):P0} of their area.");
    }

    [Fact]
    public void AreaCentroidAndReachOfEveryOutlineAreThoseOfItsSignedDistance()
    {
        foreach (var kind in Enum.GetValues<ShapeKind>())
        {
            var (area, momentX, momentY, reach) = (0.0, 0.0, 0.0, 0.0);
            const double Step = 0.004;
            for (var y = -1.1 + Step / 2; y < 1.1; y += Step)
            {
                for (var x = -1.1 + Step / 2; x < 1.1; x += Step)
                {
                    var distance = ShapeOutline.Of(kind).Distance((float)x, (float)y);
                    var share = Step * Step * Math.Clamp(0.5 - distance / Step, 0, 1);
                    area += share;
                    momentX += x * share;
                    momentY += y * share;
                    if (distance < 0) reach = Math.Max(reach, Math.Sqrt(x * x + y * y));
                }
            }
            Assert.Equal(ShapeOutline.Of(kind).Area, area, 0.003);
            Assert.InRange(momentX / area, -0.003, 0.003);
            Assert.InRange(momentY / area, -0.003, 0.003);
            Assert.InRange(reach, 0.97, 1.0001); // thin points fall between the samples
        }
    }

    [Fact]
    public void SettingsOutOfRangeAreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new ShapesDataSet(size: 7));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ShapesDataSet(size: 1025));
        Assert.Throws<ArgumentException>(() => new ShapesDataSet(count: 0));
        using var set = new ShapesDataSet(count: 10);
        Assert.Throws<ArgumentOutOfRangeException>(() => set.Attributes(10));
        Assert.Throws<ArgumentOutOfRangeException>(() => set.Attributes(-1));
    }

    private static double[] Standardised(double[] values)
    {
        var mean = values.Average();
        var deviation = Math.Sqrt(values.Average(v => (v - mean) * (v - mean)));
        return [.. values.Select(v => (v - mean) / deviation)];
    }

    private sealed record Measured(RgbColor Foreground, double Area, double CenterX, double CenterY, double Reach, double Axis)
    {
        public static Measured From(ShapesDataSet set, long index, int size)
        {
            using var batch = set.Get(index);
            var image = batch.Data.data<float>().ToArray();
            var plane = size * size;
            RgbColor At(int p) => new(image[p], image[plane + p], image[2 * plane + p]);
            var ground = At(0);
            double Difference(RgbColor c) =>
                Math.Sqrt(Math.Pow(c.Red - ground.Red, 2) + Math.Pow(c.Green - ground.Green, 2) + Math.Pow(c.Blue - ground.Blue, 2));
            // The colour farthest from the ground is the shape's; a pixel's share of it is how far it is on the way there.
            var ink = At(Enumerable.Range(0, plane).MaxBy(p => Difference(At(p))));
            var share = Enumerable.Range(0, plane).Select(p => Difference(At(p)) / Difference(ink)).ToArray();
            var area = share.Sum();
            double Mean(Func<double, double, double> of) =>
                Enumerable.Range(0, plane).Sum(p => share[p] * of(p % size + 0.5, p / size + 0.5)) / area;
            var (x, y) = (Mean((px, _) => px), Mean((_, py) => py));
            var (xx, xy, yy) = (Mean((px, _) => (px - x) * (px - x)), Mean((px, py) => (px - x) * (py - y)), Mean((_, py) => (py - y) * (py - y)));
            var reach = Enumerable.Range(0, plane).Where(p => share[p] > 0.5).Max(p => Math.Sqrt(Math.Pow(p % size + 0.5 - x, 2) + Math.Pow(p / size + 0.5 - y, 2)));
            return new Measured(ink, area, x, y, reach, Math.Atan2(2 * xy, xx - yy) / 2);
        }
    }
}
