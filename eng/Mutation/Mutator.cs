using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Mutation;

/// <summary>
/// Rewrites a file so that it holds every mutant, each behind its number: a − b becomes Mutants.Subtract&lt;double&gt;(17, a, b). Operands are written once, so that
/// mutants nest. Left alone are constants that the language needs at compile time, patterns, and what only words a message: exceptions and interpolated strings.
/// </summary>
/// <param name="model">The meaning of the file.</param>
/// <param name="file">Its name in reports.</param>
/// <param name="firstId">The number of the first mutant.</param>
/// <param name="rejected">Numbers that must not be used: those changes do not compile.</param>
internal sealed class Mutator(SemanticModel model, string file, int firstId, IReadOnlySet<int> rejected) : CSharpSyntaxRewriter
{
    private const string Call = "global::Diffusion.Mutants.";
    private int _next = firstId;

    /// <summary>The mutants in use, in order of their numbers.</summary>
    public List<Mutant> Made { get; } = [];

    /// <summary>The number after the last.</summary>
    public int Next => _next;

    public override SyntaxNode? Visit(SyntaxNode? node) => node is not null && Untouched.Contains(node, model) ? node : base.Visit(node);

    public override SyntaxNode? VisitBinaryExpression(BinaryExpressionSyntax node)
    {
        if (Operations.Arithmetic(node.Kind()) is var (name, other))
        {
            if (NumberOf(model.GetTypeInfo(node).Type) is { } type) return Mutated(node, $"{node.OperatorToken} → {other}", id => $"{Call}{name}<{type}>({id}, {Text(node.Left)}, {Text(node.Right)})");
            if (IsTensor(model.GetTypeInfo(node).Type) && node.Kind() != SyntaxKind.ModuloExpression)
                return Mutated(node, $"{node.OperatorToken} → {other}", id => $"{Call}{name}({id}, {Text(node.Left)}, {Text(node.Right)})");
            return base.VisitBinaryExpression(node);
        }

        if (Operations.Comparison(node.Kind()) is var (comparison, boundary) && NumberOf(model.GetTypeInfo(node.Left).ConvertedType) is { } compared)
            return Negated(node, () => Claim(node, $"{node.OperatorToken} → {boundary}") is { } id ? $"{Call}{comparison}<{compared}>({id}, {Text(node.Left)}, {Text(node.Right)})" : Plain(node));
        if (Operations.IsComparison(node.Kind())) return Negated(node, () => Plain(node));
        if (node.Kind() is SyntaxKind.LogicalAndExpression or SyntaxKind.LogicalOrExpression && !Declares(node))
        {
            // a ∧ b is ¬(¬a ∨ ¬b): with ¬ switched by the mutant, one writing serves both.
            var (mark, change) = node.IsKind(SyntaxKind.LogicalAndExpression) ? ("&&", "&& → ||") : ("||", "|| → &&");
            return Mutated(node, change, id => $"({Call}On({id}) ^ (({Call}On({id}) ^ ({Text(node.Left)})) {mark} ({Call}On({id}) ^ ({Text(node.Right)}))))");
        }

        return base.VisitBinaryExpression(node);
    }

    public override SyntaxNode? VisitIsPatternExpression(IsPatternExpressionSyntax node) => Declares(node) ? base.VisitIsPatternExpression(node) : Negated(node, () => Plain(node));

    public override SyntaxNode? VisitPrefixUnaryExpression(PrefixUnaryExpressionSyntax node)
    {
        if (node.IsKind(SyntaxKind.LogicalNotExpression) && !Declares(node) && node.Operand is not ParenthesizedExpressionSyntax) return Negated(node, () => Plain(node));
        if (node.IsKind(SyntaxKind.UnaryMinusExpression) && NumberOf(model.GetTypeInfo(node).Type) is { } type) return Mutated(node, "−x → x", id => $"{Call}Negate<{type}>({id}, {Text(node.Operand)})");
        if (node.IsKind(SyntaxKind.UnaryMinusExpression) && IsTensor(model.GetTypeInfo(node).Type)) return Mutated(node, "−x → x", id => $"{Call}Negate({id}, {Text(node.Operand)})");
        return Stepped(node, node.Operand) ?? base.VisitPrefixUnaryExpression(node);
    }

    public override SyntaxNode? VisitPostfixUnaryExpression(PostfixUnaryExpressionSyntax node) => Stepped(node, node.Operand) ?? base.VisitPostfixUnaryExpression(node);

    public override SyntaxNode? VisitLiteralExpression(LiteralExpressionSyntax node)
    {
        if (node.Kind() is SyntaxKind.TrueLiteralExpression or SyntaxKind.FalseLiteralExpression) return Negated(node, () => node.ToString());
        if (!node.IsKind(SyntaxKind.NumericLiteralExpression)) return node;
        var types = model.GetTypeInfo(node);
        var type = NumberOf(types.ConvertedType) ?? NumberOf(types.Type);
        if (type is null) return node;
        var value = Convert.ToDouble(node.Token.Value, CultureInfo.InvariantCulture);
        var other = Operations.Constant(value).ToString("R", CultureInfo.InvariantCulture);
        return Mutated(node, $"{node} → {other}", id => $"{Call}Constant<{type}>({id}, {node}, {other})");
    }

    public override SyntaxNode? VisitAssignmentExpression(AssignmentExpressionSyntax node)
    {
        if (Operations.Compound(node.Kind()) is not var (name, other) || !IsSimple(node.Left)) return base.VisitAssignmentExpression(node);
        var type = model.GetTypeInfo(node.Left).Type;
        var generic = IsTensor(type) ? "" : NumberOf(type) is { } number ? $"<{number}>" : null;
        return generic is null ? base.VisitAssignmentExpression(node)
            : Mutated(node, $"{node.OperatorToken} → {other}", id => $"{node.Left} = {Call}{name}{generic}({id}, {Text(node.Left)}, {Text(node.Right)})");
    }

    public override SyntaxNode? VisitInvocationExpression(InvocationExpressionSyntax node)
    {
        if (node.Expression is not MemberAccessExpressionSyntax access || model.GetSymbolInfo(node).Symbol is not IMethodSymbol method) return base.VisitInvocationExpression(node);
        var arguments = node.ArgumentList.Arguments;
        if (method.ContainingType.ToDisplayString() == "System.Math" && Operations.Function(method.Name) is var (function, change))
        {
            var generic = method.Name is "Max" or "Min" or "Abs" ? $"<{NumberOf(method.ReturnType)}>" : "";
            return Mutated(node, change, id => $"{Call}{function}{generic}({id}, {string.Join(", ", arguments.Select(argument => Text(argument.Expression)))})");
        }

        return IsTensor(method.ContainingType) && !method.IsStatic && arguments.All(argument => argument.NameColon is null) && Operations.TensorMethod(method.Name, arguments.Count) is var (tensor, swapped)
            ? Mutated(node, swapped, id => $"{Call}{tensor}({string.Join(", ", arguments.Select(argument => Text(argument.Expression)).Prepend(Text(access.Expression)).Prepend(id.ToString(CultureInfo.InvariantCulture)))})")
            : base.VisitInvocationExpression(node);
    }

    public override SyntaxNode? VisitConditionalExpression(ConditionalExpressionSyntax node)
    {
        var visited = (ConditionalExpressionSyntax)base.VisitConditionalExpression(node)!;
        return visited.WithCondition(Condition(node.Condition, visited.Condition));
    }

    public override SyntaxNode? VisitIfStatement(IfStatementSyntax node)
    {
        var visited = (IfStatementSyntax)base.VisitIfStatement(node)!;
        return visited.WithCondition(Condition(node.Condition, visited.Condition));
    }

    public override SyntaxNode? VisitExpressionStatement(ExpressionStatementSyntax node) =>
        node.Expression is PostfixUnaryExpressionSyntax or PrefixUnaryExpressionSyntax || Untouched.IsGuardOfNobody(node, model) ? base.VisitExpressionStatement(node) : Removable(node);

    public override SyntaxNode? VisitThrowStatement(ThrowStatementSyntax node) => Removable(node);

    public override SyntaxNode? VisitBreakStatement(BreakStatementSyntax node) => Removable(node);

    public override SyntaxNode? VisitContinueStatement(ContinueStatementSyntax node) => Removable(node);

    private SyntaxNode? Removable(StatementSyntax node)
    {
        if (Claim(node, "statement removed") is not { } id) return Parts(node);
        return SyntaxFactory.ParseStatement($"{{ if (!{Call}On({id})) {{ {Parts(node)!.ToFullString()} }} }}").WithTriviaFrom(node);
    }

    // A bare condition, such as a property or a call; comparisons and connectives have mutants of their own.
    private ExpressionSyntax Condition(ExpressionSyntax original, ExpressionSyntax visited)
    {
        if (original is not (IdentifierNameSyntax or InvocationExpressionSyntax or MemberAccessExpressionSyntax or ElementAccessExpressionSyntax) || Declares(original)) return visited;
        return Claim(original, "condition negated") is { } id ? SyntaxFactory.ParseExpression($"{Call}On({id}) ^ ({visited.ToFullString()})").WithTriviaFrom(original) : visited;
    }

    private SyntaxNode? Stepped(ExpressionSyntax node, ExpressionSyntax operand)
    {
        var up = node.Kind() is SyntaxKind.PostIncrementExpression or SyntaxKind.PreIncrementExpression;
        if ((!up && node.Kind() is not (SyntaxKind.PostDecrementExpression or SyntaxKind.PreDecrementExpression)) || operand is not IdentifierNameSyntax) return null;
        var discarded = node.Parent is ExpressionStatementSyntax || (node.Parent is ForStatementSyntax loop && loop.Incrementors.Contains(node));
        if (!discarded || NumberOf(model.GetTypeInfo(operand).Type) is not { } type) return null;
        return Mutated(node, up ? "++ → --" : "-- → ++", id => $"{Call}{(up ? "Increment" : "Decrement")}<{type}>({id}, ref {operand})");
    }

    private SyntaxNode? Negated(ExpressionSyntax node, Func<string> inner) => Declares(node) ? Parts(node) : Mutated(node, $"{Brief(node)} negated", id => $"({Call}On({id}) ^ ({inner()}))", inner);

    private SyntaxNode? Mutated(ExpressionSyntax node, string change, Func<int, string> text, Func<string>? otherwise = null)
    {
        if (Claim(node, change) is not { } id) return otherwise is null ? Parts(node) : SyntaxFactory.ParseExpression(otherwise()).WithTriviaFrom(node);
        return SyntaxFactory.ParseExpression(text(id)).WithTriviaFrom(node);
    }

    // The node with its parts rewritten but not itself.
    private SyntaxNode? Parts(SyntaxNode node) => node switch
    {
        BinaryExpressionSyntax binary => base.VisitBinaryExpression(binary),
        PrefixUnaryExpressionSyntax prefix => base.VisitPrefixUnaryExpression(prefix),
        PostfixUnaryExpressionSyntax postfix => base.VisitPostfixUnaryExpression(postfix),
        IsPatternExpressionSyntax pattern => base.VisitIsPatternExpression(pattern),
        AssignmentExpressionSyntax assignment => base.VisitAssignmentExpression(assignment),
        InvocationExpressionSyntax invocation => base.VisitInvocationExpression(invocation),
        ExpressionStatementSyntax statement => base.VisitExpressionStatement(statement),
        _ => node,
    };

    private string Plain(ExpressionSyntax node) => Parts(node)!.ToFullString();

    private string Text(ExpressionSyntax node) => Visit(node)!.ToFullString();

    private int? Claim(SyntaxNode node, string change)
    {
        var id = _next++;
        if (rejected.Contains(id)) return null;
        var start = node.GetLocation().GetLineSpan().StartLinePosition.Line;
        var code = node.SyntaxTree.GetText().Lines[start].ToString().Trim();
        var earlier = Made.Count(mutant => mutant.Code == code && (mutant.Change == change || mutant.Change.StartsWith($"{change} #", StringComparison.Ordinal)));
        Made.Add(new Mutant(id, file, start + 1, code, earlier == 0 ? change : $"{change} #{earlier + 1}"));
        return id;
    }

    private static string Brief(SyntaxNode node)
    {
        var text = string.Join(' ', node.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return text.Length <= 60 ? text : text[..57] + "…";
    }

    private static bool Declares(SyntaxNode node) => node.DescendantNodesAndSelf().Any(part => part is SingleVariableDesignationSyntax or DeclarationExpressionSyntax);

    private static bool IsSimple(ExpressionSyntax place) => place.DescendantNodesAndSelf().All(part => part is not (InvocationExpressionSyntax or AssignmentExpressionSyntax or PostfixUnaryExpressionSyntax or ObjectCreationExpressionSyntax));

    private static bool IsTensor(ITypeSymbol? type) => type is { Name: "Tensor", ContainingType.Name: "torch" };

    private static string? NumberOf(ITypeSymbol? type) => type?.SpecialType switch
    {
        SpecialType.System_Int32 => "int",
        SpecialType.System_Int64 => "long",
        SpecialType.System_Single => "float",
        SpecialType.System_Double => "double",
        SpecialType.System_UInt32 => "uint",
        SpecialType.System_UInt64 => "ulong",
        SpecialType.System_Byte => "byte",
        _ => null,
    };
}
