using Microsoft.CodeAnalysis;

namespace ApiReference;

/// <summary>On which page, and where on it, each type and member stands.</summary>
internal sealed class Addresses
{
    private readonly Dictionary<string, string> _all = [];
    private readonly Dictionary<string, string> _names = [];

    public Addresses(PublicApi api)
    {
        foreach (var type in api.Types)
        {
            Add(type, PageOf(type));
            var taken = new Dictionary<string, int>();
            foreach (var member in PublicApi.MembersOf(type))
            {
                var name = member is IMethodSymbol { MethodKind: MethodKind.Constructor } ? "new" : member.Name.ToLowerInvariant().Replace("[]", "", StringComparison.Ordinal).Trim('.');
                var count = taken[name] = taken.GetValueOrDefault(name) + 1;
                Add(member, $"{PageOf(type)}#{(count == 1 ? name : $"{name}-{count}")}");
            }
        }
    }

    /// <summary>Relative to the folder of the reference.</summary>
    public static string FileOf(INamedTypeSymbol type) => PageOf(type)["/api/".Length..] + ".md";

    /// <summary>The anchor of a member on its page.</summary>
    public string AnchorOf(ISymbol member) => _all[member.GetDocumentationCommentId()!].Split('#')[1];

    /// <summary>Where a type or member stands; null if not in the reference.</summary>
    public string? Of(ISymbol symbol) => symbol.OriginalDefinition.GetDocumentationCommentId() is { } id ? _all.GetValueOrDefault(id) : null;

    /// <summary>Where a reference of a comment leads, and what it is called.</summary>
    public (string? Address, string Name) Of(string cref)
    {
        if (_names.TryGetValue(cref, out var name)) return (_all[cref], name);
        var path = cref[(cref.IndexOf(':', StringComparison.Ordinal) + 1)..].Split('(')[0].Split('.', '+');
        var simple = path[^1].Split('`')[0];
        return (null, simple is "#ctor" ? path[^2] : cref.StartsWith("T:", StringComparison.Ordinal) || path.Length < 2 ? simple : $"{path[^2].Split('`')[0]}.{simple}");
    }

    public static string NameOf(INamedTypeSymbol type) =>
        (type.ContainingType is { } outer ? NameOf(outer) + "." : "") + type.Name + (type.TypeParameters.IsEmpty ? "" : $"<{string.Join(", ", type.TypeParameters.Select(p => p.Name))}>");

    private static string PageOf(INamedTypeSymbol type)
    {
        var name = type.MetadataName.Replace('`', '-');
        for (var outer = type.ContainingType; outer is not null; outer = outer.ContainingType) name = $"{outer.MetadataName.Replace('`', '-')}.{name}";
        return $"/api/{type.ContainingNamespace.ToDisplayString()}/{name}";
    }

    private void Add(ISymbol symbol, string address)
    {
        var id = symbol.GetDocumentationCommentId()!;
        _all.Add(id, address);
        _names.Add(id, symbol switch
        {
            INamedTypeSymbol type => NameOf(type),
            IMethodSymbol { MethodKind: MethodKind.Constructor } => symbol.ContainingType.Name,
            _ => $"{symbol.ContainingType.Name}.{symbol.Name}",
        });
    }
}
