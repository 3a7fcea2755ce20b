using Microsoft.CodeAnalysis.CSharp;

namespace Mutation;

/// <summary>Which operation becomes which.</summary>
internal static class Operations
{
    /// <summary>The name in Mutants of an arithmetic operator, and what it becomes.</summary>
    public static (string Name, string Other)? Arithmetic(SyntaxKind kind) => kind switch
    {
        SyntaxKind.AddExpression => ("Add", "-"),
        SyntaxKind.SubtractExpression => ("Subtract", "+"),
        SyntaxKind.MultiplyExpression => ("Multiply", "/"),
        SyntaxKind.DivideExpression => ("Divide", "*"),
        SyntaxKind.ModuloExpression => ("Remainder", "*"),
        _ => null,
    };

    public static (string Name, string Other)? Compound(SyntaxKind kind) => kind switch
    {
        SyntaxKind.AddAssignmentExpression => ("Add", "-="),
        SyntaxKind.SubtractAssignmentExpression => ("Subtract", "+="),
        SyntaxKind.MultiplyAssignmentExpression => ("Multiply", "/="),
        SyntaxKind.DivideAssignmentExpression => ("Divide", "*="),
        _ => null,
    };

    /// <summary>The name of an ordering, and the one that differs from it at equality alone.</summary>
    public static (string Name, string Boundary)? Comparison(SyntaxKind kind) => kind switch
    {
        SyntaxKind.LessThanExpression => ("Less", "<="),
        SyntaxKind.LessThanOrEqualExpression => ("LessOrEqual", "<"),
        SyntaxKind.GreaterThanExpression => ("Greater", ">="),
        SyntaxKind.GreaterThanOrEqualExpression => ("GreaterOrEqual", ">"),
        _ => null,
    };

    public static bool IsComparison(SyntaxKind kind) => Comparison(kind) is not null || kind is SyntaxKind.EqualsExpression or SyntaxKind.NotEqualsExpression;

    /// <summary>What a constant becomes: 0 and 1 each other, a half 1, whole numbers the next, tiny ones 0, others twice themselves.</summary>
    public static double Constant(double value) => value switch
    {
        0 => 1,
        1 => 0,
        0.5 => 1,
        < 1e-3 => 0,
        _ => value == Math.Floor(value) && value < 1e9 ? value + 1 : 2 * value,
    };

    /// <summary>A function of System.Math.</summary>
    public static (string Name, string Change)? Function(string name) => name switch
    {
        "Max" => (name, "Max → Min"),
        "Min" => (name, "Min → Max"),
        "Sin" => (name, "Sin → Cos"),
        "Cos" => (name, "Cos → Sin"),
        "Floor" => (name, "Floor → Ceiling"),
        "Ceiling" => (name, "Ceiling → Floor"),
        "Abs" or "Sqrt" or "Exp" or "Log" => (name, $"{name}(x) → x"),
        _ => null,
    };

    /// <summary>A method of a tensor with some number of arguments.</summary>
    public static (string Name, string Change)? TensorMethod(string name, int arguments) => (name, arguments) switch
    {
        ("add", 1 or 2) => ("Add", "add → sub"),
        ("sub", 1) => ("Subtract", "sub → add"),
        ("mul", 1) => ("Multiply", "mul → div"),
        ("div", 1) => ("Divide", "div → mul"),
        ("add_", 1) => ("AddInPlace", "add_ → sub_"),
        ("sub_", 1) => ("SubtractInPlace", "sub_ → add_"),
        ("mul_", 1) => ("MultiplyInPlace", "mul_ → div_"),
        ("div_", 1) => ("DivideInPlace", "div_ → mul_"),
        ("neg", 0) => ("Negate", "neg removed"),
        ("sqrt", 0) => ("Sqrt", "sqrt removed"),
        ("exp", 0) => ("Exp", "exp removed"),
        ("log", 0) => ("Log", "log removed"),
        ("abs", 0) => ("Abs", "abs removed"),
        ("square", 0) => ("Square", "square removed"),
        ("mean", 0) => ("Mean", "mean → sum"),
        ("sum", 0) => ("Sum", "sum → mean"),
        _ => null,
    };
}
