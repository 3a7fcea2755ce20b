using Microsoft.CodeAnalysis;

namespace ApiReference;

/// <summary>Declarations as they would stand in C#.</summary>
internal static class Signatures
{
    private const int Widest = 96;

    private static readonly SymbolDisplayFormat _format = new(
        typeQualificationStyle: SymbolDisplayTypeQualificationStyle.NameAndContainingTypes,
        genericsOptions: SymbolDisplayGenericsOptions.IncludeTypeParameters | SymbolDisplayGenericsOptions.IncludeTypeConstraints | SymbolDisplayGenericsOptions.IncludeVariance,
        memberOptions: SymbolDisplayMemberOptions.IncludeParameters | SymbolDisplayMemberOptions.IncludeType | SymbolDisplayMemberOptions.IncludeModifiers
            | SymbolDisplayMemberOptions.IncludeAccessibility | SymbolDisplayMemberOptions.IncludeRef | SymbolDisplayMemberOptions.IncludeConstantValue,
        parameterOptions: SymbolDisplayParameterOptions.IncludeType | SymbolDisplayParameterOptions.IncludeName | SymbolDisplayParameterOptions.IncludeDefaultValue
            | SymbolDisplayParameterOptions.IncludeParamsRefOut | SymbolDisplayParameterOptions.IncludeExtensionThis,
        propertyStyle: SymbolDisplayPropertyStyle.ShowReadWriteDescriptor,
        kindOptions: SymbolDisplayKindOptions.IncludeMemberKeyword,
        miscellaneousOptions: SymbolDisplayMiscellaneousOptions.UseSpecialTypes | SymbolDisplayMiscellaneousOptions.IncludeNullableReferenceTypeModifier
            | SymbolDisplayMiscellaneousOptions.EscapeKeywordIdentifiers);

    private static readonly SymbolDisplayFormat _names = _format.WithMemberOptions(SymbolDisplayMemberOptions.None).WithKindOptions(SymbolDisplayKindOptions.None)
        .WithGenericsOptions(SymbolDisplayGenericsOptions.IncludeTypeParameters);

    /// <summary>A type as it is written where it is used.</summary>
    public static string Use(ITypeSymbol type) => Short(type.ToDisplayString(_names));

    /// <summary>The name of a member and, of a method, the types of its parameters.</summary>
    public static string Title(ISymbol member) => member switch
    {
        IMethodSymbol { MethodKind: MethodKind.Constructor } made => $"{made.ContainingType.Name}{Types(made.Parameters)}",
        IMethodSymbol { MethodKind: MethodKind.UserDefinedOperator or MethodKind.Conversion } => member.ToDisplayString(_names.WithMemberOptions(SymbolDisplayMemberOptions.IncludeParameters)
            .WithParameterOptions(SymbolDisplayParameterOptions.IncludeType).WithKindOptions(SymbolDisplayKindOptions.IncludeMemberKeyword)),
        IMethodSymbol method => $"{method.Name}{(method.TypeParameters.IsEmpty ? "" : $"<{string.Join(", ", method.TypeParameters.Select(p => p.Name))}>")}{Types(method.Parameters)}",
        IPropertySymbol { IsIndexer: true } indexer => $"this[{string.Join(", ", indexer.Parameters.Select(p => Use(p.Type)))}]",
        _ => member.Name,
    };

    /// <summary>The declaration of a member, over several lines where it is long.</summary>
    public static string Of(ISymbol member) => member is INamedTypeSymbol type ? OfType(type) : Wrapped(Defaults(member, Short(OwnName(member, member.ToDisplayString(_format))))) + (member is IPropertySymbol ? "" : ";");

    // torch.Tensor is Tensor wherever this library is used.
    private static string Short(string declaration) => declaration.Replace("torch.", "", StringComparison.Ordinal);

    // A nested constructor is named after its type alone.
    private static string OwnName(ISymbol member, string declaration) =>
        member is IMethodSymbol { MethodKind: MethodKind.Constructor } ? declaration.Replace($"{Addresses.NameOf(member.ContainingType)}(", $"{member.ContainingType.Name}(", StringComparison.Ordinal) : declaration;

    // Roslyn writes the value of an enumeration without its type, and the type of a default where C# needs none.
    private static string Defaults(ISymbol member, string declaration)
    {
        foreach (var parameter in (member as IMethodSymbol)?.Parameters.Where(p => p.HasExplicitDefaultValue) ?? [])
        {
            declaration = declaration.Replace($" {parameter.Name} = default({Use(parameter.Type)})", $" {parameter.Name} = default", StringComparison.Ordinal);
            if (parameter.Type.TypeKind == TypeKind.Enum && parameter.Type.GetMembers().OfType<IFieldSymbol>().FirstOrDefault(value => Equals(value.ConstantValue, parameter.ExplicitDefaultValue)) is { } value)
                declaration = declaration.Replace($" {parameter.Name} = {value.Name}", $" {parameter.Name} = {Use(parameter.Type)}.{value.Name}", StringComparison.Ordinal);
        }
        return declaration;
    }

    private static string OfType(INamedTypeSymbol type)
    {
        var kind = type switch
        {
            { TypeKind: TypeKind.Enum } => "enum",
            { TypeKind: TypeKind.Interface } => "interface",
            { TypeKind: TypeKind.Delegate } => "delegate",
            { TypeKind: TypeKind.Struct } => (type.IsReadOnly ? "readonly " : "") + (type.IsRecord ? "record struct" : "struct"),
            _ => (type.IsStatic ? "static " : type.IsAbstract ? "abstract " : type.IsSealed ? "sealed " : "") + (type.IsRecord ? "record" : "class"),
        };
        if (type.DelegateInvokeMethod is { } call)
            return Wrapped($"public delegate {Use(call.ReturnType)} {Addresses.NameOf(type)}({string.Join(", ", call.Parameters.Select(p => $"{Use(p.Type)} {p.Name}"))})") + ";";
        string[] parents =
        [
            .. type.TypeKind == TypeKind.Class && type.BaseType is { SpecialType: not SpecialType.System_Object } parent ? new[] { Use(parent) } : [],
            .. type.TypeKind == TypeKind.Enum ? [] : type.Interfaces.Where(each => each.DeclaredAccessibility == Accessibility.Public && !(type.IsRecord && each.Name == "IEquatable")
                && !type.Interfaces.Any(other => other.AllInterfaces.Contains(each, SymbolEqualityComparer.Default))).Select(Use),
        ];
        return $"public {kind} {Addresses.NameOf(type)}{(parents.Length > 0 ? " : " + string.Join(", ", parents) : "")}";
    }

    private static string Types(IEnumerable<IParameterSymbol> parameters) => $"({string.Join(", ", parameters.Select(p => Use(p.Type)))})";

    // One parameter a line where the whole does not fit one.
    private static string Wrapped(string declaration)
    {
        var open = declaration.IndexOf('(', StringComparison.Ordinal);
        if (declaration.Length <= Widest || open < 0) return declaration;
        // The list of parameters is the last pair of brackets; a tuple may be returned before it.
        var depth = 0;
        var close = declaration.LastIndexOf(')');
        for (open = close; open >= 0; open--)
        {
            depth += declaration[open] switch { ')' => 1, '(' => -1, _ => 0 };
            if (depth == 0) break;
        }
        var (parts, start, level) = (new List<string>(), open + 1, 0);
        for (var k = open + 1; k < close; k++)
        {
            level += declaration[k] switch { '(' or '<' or '[' => 1, ')' or '>' or ']' => -1, _ => 0 };
            if (declaration[k] != ',' || level != 0) continue;
            parts.Add(declaration[start..k].Trim());
            start = k + 1;
        }
        parts.Add(declaration[start..close].Trim());
        return $"{declaration[..open]}(\n    {string.Join(",\n    ", parts)}{declaration[close..]}";
    }
}
