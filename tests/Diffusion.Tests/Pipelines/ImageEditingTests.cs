using Diffusion.Denoisers;
using Diffusion.Pipelines;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Pipelines;

public class ImageEditingTests
{
    private static readonly VariancePreservingSchedule Schedule = new();

    private static GaussianMixtureDenoiser Model => new(Schedule, GaussianMixture.Uniform(new[,] { { -1.0, 0.5, 0.2, 0.1 }, { 0.8, -0.6, 1.1, 0.3 } }, 0.4));

    [Theory]
    [InlineData(0.1, 1)]
    [InlineData(0.3, 3)]
    [InlineData(0.58, 5)]
    [InlineData(1, 10)]
    public void TheStrengthIsThePartOfTheStepsThatIsWalked(double strength, int steps)
    {
        var grid = TimeGrid.Uniform(Schedule, 10);
        var last = ImageEditing.Last(grid, strength);
        Assert.Equal(steps, last.Count);
        Assert.Equal(grid[10 - steps].At, last[0].At);
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageEditing.Last(grid, 0.09));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageEditing.Last(grid, 1.1));
    }

    [Theory]
    [InlineData(0.2)]
    [InlineData(0.5)]
    [InlineData(0.8)]
    public void ImageToImageKeepsOfAnImageWhatTheNoiseLeaves(double strength)
    {
        // Data N(0, s²), image x₀: noised to (α, σ) and brought back by the exact flow, x = s/√(α²s² + σ²)·(αx₀ + σz); many small steps of DDIM are that flow.
        using var scope = NewDisposeScope();
        const double s = 0.7;
        var grid = TimeGrid.LogSnr(Schedule, 3000);
        var image = full([1, 1], 2.0, float64);
        Tensor Edit(NoiseSource noise) => ImageEditing.ImageToImage(new GaussianDenoiser(Schedule, 0, s), new DdimSampler(), image, grid, strength, noise);
        using var none = new Constant(0);
        using var one = new Constant(1);
        var level = ImageEditing.Last(grid, strength).Start;
        var spread = s / Math.Sqrt(level.Alpha * level.Alpha * s * s + level.Sigma * level.Sigma);
        Assert.Equal(spread * level.Alpha * 2, Edit(none).item<double>(), 2e-3); // Euler's method in 3,000 steps
        Assert.Equal(spread * level.Sigma, (Edit(one) - Edit(none)).item<double>(), 2e-3);
    }

    [Fact]
    public void InversionComesBackWithAnErrorOfTheStepsLength()
    {
        var errors = new[] { 20, 40, 80 }.Select(steps => RoundTrip(steps, 0)).ToArray();
        Assert.InRange(Math.Log2(errors[0] / errors[1]), 0.7, 1.4);
        Assert.InRange(Math.Log2(errors[1] / errors[2]), 0.7, 1.4);
        Assert.True(errors[2] > 1e-4);
    }

    [Fact]
    public void RefinedInversionComesBackExactly()
    {
        Assert.True(RoundTrip(40, 3) < 0.1 * RoundTrip(40, 0));
        Assert.True(RoundTrip(40, 40) < 1e-9);
    }

    [Fact]
    public void TheCodeOfAGaussianIsThatOfTheExactFlow()
    {
        using var scope = NewDisposeScope();
        using var none = NoiseSource.FromSeed(0);
        const double s = 0.7;
        var grid = TimeGrid.LogSnr(Schedule, 2000);
        var code = new InversionSampler().Sample(new GaussianDenoiser(Schedule, 0, s), full([1, 1], 1.4, float64), grid, none);
        var start = grid.Start;
        Assert.Equal(1.4 / s * Math.Sqrt(start.Alpha * start.Alpha * s * s + start.Sigma * start.Sigma), code.item<double>(), 3e-3);
    }

    [Fact]
    public void InterpolationMeetsBothImages()
    {
        using var scope = NewDisposeScope();
        var (a, b) = Images();
        var between = ImageEditing.Interpolate(Model, a, b, [0, 0.5, 1], TimeGrid.LogSnr(Schedule, 40), refinements: 40);
        Assert.Equal([6, 4], between.shape);
        Assert.True(between.narrow(0, 0, 2).allclose(a, 1e-6, 1e-6));
        Assert.True(between.narrow(0, 4, 2).allclose(b, 1e-6, 1e-6));
    }

    [Fact]
    public void TheGreatCircleKeepsLengthsAndDividesTheAngle()
    {
        using var scope = NewDisposeScope();
        var (a, b) = Images();
        a /= a.norm(1, true, 2);
        b /= b.norm(1, true, 2);
        Tensor Angle(Tensor x, Tensor y) => (x * y).sum([1L]).clamp(-1, 1).acos();
        foreach (var f in new[] { 0.25, 0.5, 0.9 })
        {
            var x = SphericalInterpolation.Between(a, b, f);
            Assert.True((x.norm(1, false, 2) - 1).abs().max().item<double>() < 1e-12);
            Assert.True((Angle(a, x) - Angle(a, b) * f).abs().max().item<double>() < 1e-9);
        }

        Assert.True(SphericalInterpolation.Between(a, b, 0).eq(a).all().item<bool>());
        Assert.True(SphericalInterpolation.Between(a, b, 1).eq(b).all().item<bool>());
        Assert.True(SphericalInterpolation.Between(a, a * 2, 0.5).allclose(a * 1.5, 1e-12, 1e-12)); // parallel: the straight line
        Assert.True(SphericalInterpolation.Between(a, zeros_like(a), 0.5).allclose(a * 0.5, 1e-12, 1e-12));
        Assert.Throws<ArgumentException>(() => SphericalInterpolation.Between(a, b.narrow(0, 0, 1), 0.5));
    }

    [Fact]
    public void OutpaintingKeepsTheImageAndFillsTheRest()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(3);
        var image = noise.Next([2, 1, 4, 4], ScalarType.Float32, CPU);
        var margins = new Margins(Top: 1, Right: 2, Left: -1);
        var end = ImageEditing.Outpaint(new GaussianDenoiser(Schedule, 0.3, 0.5), new DdpmSampler(), image, margins, TimeGrid.Uniform(Schedule, 6), noise, 2, 2);
        Assert.Equal([2, 1, 5, 5], end.shape);
        Assert.True(end.narrow(2, 1, 4).narrow(3, 0, 3).eq(image.narrow(3, 1, 3)).all().item<bool>());
        Assert.True(end.narrow(2, 0, 1).ne(0).all().item<bool>());
        var (canvas, known) = margins.Extend(image);
        Assert.Equal(12, known.sum().item<long>());
        Assert.True(canvas.narrow(2, 0, 1).eq(0).all().item<bool>());
        Assert.Throws<ArgumentException>(() => new Margins(Top: -2, Bottom: -2).Extend(image));
    }

    [Fact]
    public void VariationsDifferAndLeaveNothingBehind()
    {
        using var outer = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(3);
        using var image = Images().First.narrow(0, 0, 1).clone();
        var grid = TimeGrid.Uniform(Schedule, 8);
        Tensor Vary() => ImageEditing.Variations(Model, new DdimSampler(), image, 3, grid, 0.5, noise);
        Vary().Dispose();
        var before = LiveTensors.Count();
        using var varied = Vary();
        Assert.Equal(before + 1, LiveTensors.Count());
        Assert.Equal([3, 4], varied.shape);
        Assert.False(varied.narrow(0, 0, 1).allclose(varied.narrow(0, 1, 1), 1e-3, 1e-3));
        Assert.Throws<ArgumentException>(() => ImageEditing.Variations(Model, new DdimSampler(), varied, 2, grid, 0.5, noise));
    }

    [Fact]
    public void EditingCanBeFollowedAndCancelled()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(3);
        var (flat, square) = (Images().First.narrow(0, 0, 1), zeros(1, 1, 4, 4));
        var grid = TimeGrid.Uniform(Schedule, 8);
        using var cancel = new CancellationTokenSource();
        var steps = 0;
        var hooks = new SamplingHooks { OnStep = (_, _, _) => steps++ };
        Tensor Vary() => ImageEditing.Variations(Model, new DdimSampler(), flat, 2, grid, 0.5, noise, hooks, cancel.Token);
        Tensor Outpaint() => ImageEditing.Outpaint(new GaussianDenoiser(Schedule), new DdimSampler(), square, new Margins(Top: 1), grid, noise, 2, 1, hooks, cancel.Token);
        Vary();
        Assert.Equal(4, steps);
        Outpaint();
        Assert.Equal(12, steps);
        cancel.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(Vary);
        Assert.ThrowsAny<OperationCanceledException>(Outpaint);
        Assert.ThrowsAny<OperationCanceledException>(() => ImageEditing.Interpolate(Model, flat, flat, [0.5], grid, cancellationToken: cancel.Token));
        Assert.Equal(12, steps);
    }

    [Fact]
    public void InversionNeedsAGridThatFallsToData()
    {
        using var scope = NewDisposeScope();
        using var none = NoiseSource.FromSeed(0);
        var grid = TimeGrid.Uniform(Schedule, 5);
        Assert.Throws<ArgumentException>(() => new InversionSampler().Sample(Model, Images().First, grid.EndingAt(Schedule.At(0.01)), none));
        Assert.Throws<ArgumentException>(() => new InversionSampler().Sample(Model, Images().First, grid.Reversed(), none));
    }

    private static double RoundTrip(int steps, int refinements)
    {
        using var scope = NewDisposeScope();
        using var none = NoiseSource.FromSeed(0);
        var grid = TimeGrid.LogSnr(Schedule, steps);
        var image = Images().First;
        var code = new InversionSampler(refinements).Sample(Model, image, grid, none);
        return (new DdimSampler().Sample(Model, code, grid, none) - image).abs().max().item<double>();
    }

    private static (Tensor First, Tensor Second) Images()
    {
        using var noise = NoiseSource.FromSeed(11);
        return (noise.Next([2, 4], ScalarType.Float64, CPU), noise.Next([2, 4], ScalarType.Float64, CPU));
    }

    private sealed class Constant(double value) : NoiseSource
    {
        public override Tensor Next(ReadOnlySpan<long> shape, ScalarType dtype, Device device) => full(shape.ToArray(), value, dtype, device);

        public override double NextDouble() => throw new NotSupportedException();
    }
}
