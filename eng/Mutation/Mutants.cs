using System.Numerics;

namespace Diffusion;

/// <summary>What the mutated library asks at each place that was changed: which mutant is active. Every operation takes the number of its mutant.</summary>
internal static class Mutants
{
    /// <summary>The number of the mutant that is switched on; −1 for none.</summary>
    public static int Active = -1;

    /// <summary>Where not null: which mutants have been asked for.</summary>
    public static bool[]? Reached;

    public static bool On(int id)
    {
        if (Reached is { } reached) reached[id] = true;
        return Active == id;
    }

    public static T Constant<T>(int id, T value, T other) => On(id) ? other : value;

    public static T Add<T>(int id, T a, T b) where T : INumber<T> => On(id) ? a - b : a + b;
    public static T Subtract<T>(int id, T a, T b) where T : INumber<T> => On(id) ? a + b : a - b;
    public static T Multiply<T>(int id, T a, T b) where T : INumber<T> => On(id) ? a / b : a * b;
    public static T Divide<T>(int id, T a, T b) where T : INumber<T> => On(id) ? a * b : a / b;
    public static T Remainder<T>(int id, T a, T b) where T : INumber<T> => On(id) ? a * b : a % b;
    public static T Negate<T>(int id, T a) where T : INumber<T> => On(id) ? a : -a;
    public static bool Less<T>(int id, T a, T b) where T : INumber<T> => On(id) ? a <= b : a < b;
    public static bool LessOrEqual<T>(int id, T a, T b) where T : INumber<T> => On(id) ? a < b : a <= b;
    public static bool Greater<T>(int id, T a, T b) where T : INumber<T> => On(id) ? a >= b : a > b;
    public static bool GreaterOrEqual<T>(int id, T a, T b) where T : INumber<T> => On(id) ? a > b : a >= b;
    public static T Increment<T>(int id, ref T a) where T : INumber<T> => On(id) ? --a : ++a;
    public static T Decrement<T>(int id, ref T a) where T : INumber<T> => On(id) ? ++a : --a;

    public static T Max<T>(int id, T a, T b) where T : INumber<T> => On(id) ? T.Min(a, b) : T.Max(a, b);
    public static T Min<T>(int id, T a, T b) where T : INumber<T> => On(id) ? T.Max(a, b) : T.Min(a, b);
    public static T Abs<T>(int id, T a) where T : INumber<T> => On(id) ? a : T.Abs(a);
    public static double Sqrt(int id, double a) => On(id) ? a : Math.Sqrt(a);
    public static double Exp(int id, double a) => On(id) ? a : Math.Exp(a);
    public static double Log(int id, double a) => On(id) ? a : Math.Log(a);
    public static double Sin(int id, double a) => On(id) ? Math.Cos(a) : Math.Sin(a);
    public static double Cos(int id, double a) => On(id) ? Math.Sin(a) : Math.Cos(a);
    public static double Floor(int id, double a) => On(id) ? Math.Ceiling(a) : Math.Floor(a);
    public static double Ceiling(int id, double a) => On(id) ? Math.Floor(a) : Math.Ceiling(a);

    public static Tensor Add(int id, Tensor a, Tensor b) => On(id) ? a.sub(b) : a.add(b);
    public static Tensor Add(int id, Tensor a, Scalar b) => On(id) ? a.sub(b) : a.add(b);
    public static Tensor Add(int id, Scalar a, Tensor b) => On(id) ? a - b : a + b;
    public static Tensor Add(int id, Tensor a, Tensor b, Scalar alpha) => On(id) ? a.sub(b.mul(alpha)) : a.add(b, alpha);
    public static Tensor Subtract(int id, Tensor a, Tensor b) => On(id) ? a.add(b) : a.sub(b);
    public static Tensor Subtract(int id, Tensor a, Scalar b) => On(id) ? a.add(b) : a.sub(b);
    public static Tensor Subtract(int id, Scalar a, Tensor b) => On(id) ? a + b : a - b;
    public static Tensor Multiply(int id, Tensor a, Tensor b) => On(id) ? a.div(b) : a.mul(b);
    public static Tensor Multiply(int id, Tensor a, Scalar b) => On(id) ? a.div(b) : a.mul(b);
    public static Tensor Multiply(int id, Scalar a, Tensor b) => On(id) ? a / b : a * b;
    public static Tensor Divide(int id, Tensor a, Tensor b) => On(id) ? a.mul(b) : a.div(b);
    public static Tensor Divide(int id, Tensor a, Scalar b) => On(id) ? a.mul(b) : a.div(b);
    public static Tensor Divide(int id, Scalar a, Tensor b) => On(id) ? a * b : a / b;
    public static Tensor Negate(int id, Tensor a) => On(id) ? a.alias() : a.neg();
    public static Tensor Sqrt(int id, Tensor a) => On(id) ? a.alias() : a.sqrt();
    public static Tensor Exp(int id, Tensor a) => On(id) ? a.alias() : a.exp();
    public static Tensor Log(int id, Tensor a) => On(id) ? a.alias() : a.log();
    public static Tensor Abs(int id, Tensor a) => On(id) ? a.alias() : a.abs();
    public static Tensor Square(int id, Tensor a) => On(id) ? a.alias() : a.square();
    public static Tensor Mean(int id, Tensor a) => On(id) ? a.sum() : a.mean();
    public static Tensor Sum(int id, Tensor a) => On(id) ? a.mean() : a.sum();

    public static Tensor AddInPlace(int id, Tensor a, Tensor b) => On(id) ? a.sub_(b) : a.add_(b);
    public static Tensor AddInPlace(int id, Tensor a, Scalar b) => On(id) ? a.sub_(b) : a.add_(b);
    public static Tensor SubtractInPlace(int id, Tensor a, Tensor b) => On(id) ? a.add_(b) : a.sub_(b);
    public static Tensor SubtractInPlace(int id, Tensor a, Scalar b) => On(id) ? a.add_(b) : a.sub_(b);
    public static Tensor MultiplyInPlace(int id, Tensor a, Tensor b) => On(id) ? a.div_(b) : a.mul_(b);
    public static Tensor MultiplyInPlace(int id, Tensor a, Scalar b) => On(id) ? a.div_(b) : a.mul_(b);
    public static Tensor DivideInPlace(int id, Tensor a, Tensor b) => On(id) ? a.mul_(b) : a.div_(b);
    public static Tensor DivideInPlace(int id, Tensor a, Scalar b) => On(id) ? a.mul_(b) : a.div_(b);
}
