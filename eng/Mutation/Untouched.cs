using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Mutation;

/// <summary>The parts of a program that no mutant is made of.</summary>
internal static class Untouched
{
    public static bool Contains(SyntaxNode node, SemanticModel model) => node switch
    {
        // Constants that the language needs when it compiles.
        AttributeListSyntax or ParameterSyntax or EnumMemberDeclarationSyntax or PatternSyntax or SwitchLabelSyntax => true,
        FieldDeclarationSyntax field => field.Modifiers.Any(SyntaxKind.ConstKeyword),
        LocalDeclarationStatementSyntax local => local.IsConst,
        // Words.
        InterpolatedStringExpressionSyntax => true,
        BaseObjectCreationExpressionSyntax creation => IsException(model.GetTypeInfo(creation).Type),
        _ => false,
    };

    /// <summary>A check for null in a member that users cannot call: the library itself never passes null there.</summary>
    public static bool IsGuardOfNobody(ExpressionStatementSyntax statement, SemanticModel model)
    {
        if (statement.Expression is not InvocationExpressionSyntax { Expression: MemberAccessExpressionSyntax { Name.Identifier.Text: "ThrowIfNull" } }) return false;
        var member = statement.FirstAncestorOrSelf<MemberDeclarationSyntax>();
        for (ISymbol? symbol = member is null ? null : model.GetDeclaredSymbol(member); symbol is not null and not INamespaceSymbol; symbol = symbol.ContainingSymbol)
            if (symbol.DeclaredAccessibility != Accessibility.Public) return true;
        return false;
    }

    private static bool IsException(ITypeSymbol? type)
    {
        for (; type is not null; type = type.BaseType)
            if (type.ToDisplayString() == "System.Exception") return true;
        return false;
    }
}
