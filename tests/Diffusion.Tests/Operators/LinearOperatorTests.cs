using Diffusion.Operators;
using Xunit;

namespace Diffusion.Tests.Operators;

/// <summary>What every operator owes: its adjoint, its pseudo-inverse, functions of its singular values.</summary>
public class LinearOperatorTests
{
    private const double Rounding = 1e-10; // double precision, sums of a few hundred terms, inverses of singular values down to about 0.05

    public static TheoryData<string> All => ["mask", "down", "grey", "luminance", "blur", "circular", "matrix", "resampling"];

    [Theory, MemberData(nameof(All))]
    public void TheTransposeIsTheAdjoint(string name)
    {
        using var scope = NewDisposeScope();
        var (a, x, y) = Make(name);
        Assert.Equal(Dot(a.Apply(x), y), Dot(x, a.Transpose(y)), Rounding);
        Assert.True(Math.Abs(Dot(a.Apply(x), y)) > 1e-3, "A product of zero shows nothing.");
    }

    [Theory, MemberData(nameof(All))]
    public void ThePseudoInverseFulfilsTheFourConditionsOfPenrose(string name)
    {
        using var scope = NewDisposeScope();
        var (a, x, y) = Make(name);
        var (_, x2, y2) = Make(name, seed: 9);
        Same(a.Apply(x), a.Apply(a.PseudoInverse(a.Apply(x))));
        Same(a.PseudoInverse(y), a.PseudoInverse(a.Apply(a.PseudoInverse(y))));
        Assert.Equal(Dot(a.PseudoInverse(a.Apply(x)), x2), Dot(x, a.PseudoInverse(a.Apply(x2))), Rounding);
        Assert.Equal(Dot(a.Apply(a.PseudoInverse(y)), y2), Dot(y, a.Apply(a.PseudoInverse(y2))), Rounding);
    }

    [Theory, MemberData(nameof(All))]
    public void AFilterActsOnSingularValues(string name)
    {
        using var scope = NewDisposeScope();
        var (a, x, _) = Make(name);
        Same(x, a.Filter(x, _ => 1));
        Same(a.Transpose(a.Apply(x)), a.Filter(x, s => s * s));
        Same(a.PseudoInverse(a.Apply(x)), a.Filter(x, s => s == 0 ? 0 : 1));
        Same(a.Filter(x, s => Math.Exp(s)), a.Filter(a.Filter(x, s => Math.Exp(s / 2)), s => Math.Exp(s / 2)));
    }

    [Theory, MemberData(nameof(All))]
    public void CompletingGivesTheMeasurementAndKeepsTheRest(string name)
    {
        using var scope = NewDisposeScope();
        var (a, x, _) = Make(name);
        var y = a.Apply(Make(name, seed: 5).X);
        var completed = a.Complete(x, y);
        Same(y, a.Apply(completed));
        // What is not measured is that of x: the change lies in the row space.
        var change = completed - x;
        Same(change, a.Filter(change, s => s == 0 ? 0 : 1));
    }

    [Theory, MemberData(nameof(All))]
    public void WhiteningByConjugateGradientsIsThatBySingularValues(string name)
    {
        using var scope = NewDisposeScope();
        var (a, x, y) = Make(name);
        var bare = LinearOperator.Of(a.Apply, a.Transpose);
        Assert.True((a.Whiten(y, 0.7, 0.3) - bare.Whiten(y, 0.7, 0.3)).abs().max().item<double>() < 1e-9);
        // Aᵀ(A·Aᵀ)⁺ is the pseudo-inverse, where the residual can be measured.
        var measured = a.Apply(x);
        Same(a.PseudoInverse(measured), a.Whiten(measured, 1, 0));
    }

    [Theory, MemberData(nameof(All))]
    public void EveryMethodIsDifferentiableAndLeavesNothingBehind(string name)
    {
        using var scope = NewDisposeScope();
        var (a, x, y) = Make(name);
        var leaf = x.detach().requires_grad_();
        var gradient = Differentiation.Vjp(a.Apply(leaf), leaf, y);
        Same(a.Transpose(y), gradient);
        Same(a.Filter(x, s => s + 1), Differentiation.Vjp(a.Filter(leaf, s => s + 1), leaf, x)); // symmetric
        long Count(Func<Tensor> make)
        {
            using var _ = make();
            var before = LiveTensors.Count();
            using var made = make();
            return LiveTensors.Count() - before;
        }

        foreach (var make in new Func<Tensor>[] { () => a.Apply(x), () => a.Transpose(y), () => a.PseudoInverse(y), () => a.Filter(x, s => 1 - s), () => a.Complete(x, y), () => a.Whiten(y, 1, 1), () => a.Residual(x, y) })
            Assert.Equal(1, Count(make));
    }

    [Fact]
    public void AMaskedImageComesBackBitForBit()
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var image = noise.Next([2, 3, 5, 5], ScalarType.Float32, CPU);
        var known = noise.Next([1, 1, 5, 5], ScalarType.Float32, CPU).gt(0);
        var completed = new MaskOperator(known).Complete(noise.NextLike(image), image);
        Assert.True(where(known, completed.eq(image), ones_like(known)).all().item<bool>());
        Assert.False(completed.eq(image).all().item<bool>());
    }

    [Fact]
    public void DownsamplingIsTheMeanAndItsPseudoInverseRepeats()
    {
        using var scope = NewDisposeScope();
        var a = new DownsamplingOperator(2);
        var x = arange(16, float64).view(1, 1, 4, 4);
        Assert.Equal([2.5, 4.5, 10.5, 12.5], a.Apply(x).data<double>().ToArray());
        Assert.Equal([2.5, 2.5, 4.5, 4.5], a.PseudoInverse(a.Apply(x))[0, 0, 0].contiguous().data<double>().ToArray());
    }

    [Fact]
    public void AnOperatorWithoutSingularValuesSaysWhatItLacks()
    {
        using var scope = NewDisposeScope();
        var a = LinearOperator.Of(x => x.mul(2), y => y.mul(2));
        Assert.Contains("DPS", Assert.Throws<InvalidOperationException>(() => a.PseudoInverse(zeros(1, 2))).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => a.Filter(zeros(1, 2), s => s));
        Assert.Throws<InvalidOperationException>(() => a.Complete(zeros(1, 2), zeros(1, 2)));
    }

    [Fact]
    public void ShapesThatDoNotFitAreNamed()
    {
        using var scope = NewDisposeScope();
        var mask = new MaskOperator(ones([1, 1, 4, 5], ScalarType.Bool));
        Assert.Contains("[1, 1, 4, 5]", Assert.Throws<ArgumentException>(() => mask.Apply(zeros(2, 3, 4, 4))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new MaskOperator(ones(1, 1, 4, 4)));
        Assert.Throws<ArgumentException>(() => new DownsamplingOperator(3).Apply(zeros(1, 1, 4, 6)));
        Assert.Throws<ArgumentException>(() => new GreyscaleOperator().Apply(zeros(1, 4, 2, 2)));
        Assert.Contains("[1, 1, 3, 3]", Assert.Throws<ArgumentException>(() => new DownsamplingOperator(2).Residual(zeros(1, 1, 4, 4), zeros(1, 1, 3, 3))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new MatrixOperator(new double[2, 3], 2, 2));
        Assert.Throws<ArgumentException>(() => new BlurOperator(new double[5, 5], 4, 8));
        Assert.Throws<ArgumentException>(() => SeparableOperator.GaussianBlur(4, 4, 1).Apply(zeros(1, 1, 5, 4)));
    }

    internal static (LinearOperator Operator, Tensor X, Tensor Y) Make(string name, long seed = 3)
    {
        using var noise = NoiseSource.FromSeed(seed);
        using var fixedNoise = NoiseSource.FromSeed(1);
        Tensor Draw(params long[] shape) => noise.Next(shape, ScalarType.Float64, CPU);
        LinearOperator a = name switch
        {
            "mask" => new MaskOperator(fixedNoise.Next([1, 1, 6, 8], ScalarType.Float64, CPU).gt(0)),
            "down" => new DownsamplingOperator(2),
            "grey" => new GreyscaleOperator(),
            "luminance" => GreyscaleOperator.Luminance,
            "blur" => SeparableOperator.GaussianBlur(6, 8, 0.6),
            "circular" => new BlurOperator(new[,] { { 0.1, 0.2, 0 }, { 0, 0.9, 0.1 }, { 0.05, 0, 0.1 } }, 6, 8),
            "matrix" => new MatrixOperator(Matrix(fixedNoise), 3, 6, 8),
            "resampling" => new SeparableOperator(new[,] { { 1, 0.5, 0, 0, 0, 0 }, { 0, 0, 0.5, 1, 0.5, 0 }, { 0, 0, 0, 0, 0.5, 1 } }, new[,] { { 0.5, 1, 1, 0.5, 0, 0, 0, 0 }, { 0, 0, 0, 0.5, 1, 1, 1, 0.5 } }),
            _ => throw new ArgumentException($"There is no operator {name}.", nameof(name)),
        };
        var x = Draw(2, 3, 6, 8);
        return (a, x, Draw(a.Apply(x).shape));
    }

    // Of rank 4 in 5 rows: the last row is the sum of two others.
    private static double[,] Matrix(NoiseSource noise)
    {
        using var drawn = noise.Next([5, 3 * 6 * 8], ScalarType.Float64, CPU);
        var flat = drawn.data<double>().ToArray();
        var matrix = new double[5, 3 * 6 * 8];
        Buffer.BlockCopy(flat, 0, matrix, 0, flat.Length * sizeof(double));
        for (var j = 0; j < matrix.GetLength(1); j++) matrix[4, j] = matrix[0, j] + matrix[1, j];
        return matrix;
    }

    private static double Dot(Tensor a, Tensor b) => a.mul(b).sum().item<double>();

    private static void Same(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        var deviation = (expected - actual).abs().max().item<double>() / Math.Max(1, expected.abs().max().item<double>());
        Assert.True(deviation < Rounding, $"{deviation:e3}");
    }
}
