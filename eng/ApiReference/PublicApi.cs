using System.Xml.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace ApiReference;

/// <summary>The public types of assemblies, with their comments, and which members of them can be used.</summary>
internal sealed class PublicApi
{
    private readonly Dictionary<string, XElement> _comments;

    private PublicApi(IReadOnlyList<INamedTypeSymbol> types, Dictionary<string, XElement> comments) => (Types, _comments) = (types, comments);

    /// <summary>By namespace and name; nested ones follow the type they are in.</summary>
    public IReadOnlyList<INamedTypeSymbol> Types { get; }

    /// <summary>Reads assemblies that lie beside this program, each with its .xml.</summary>
    public static PublicApi Load(params string[] names)
    {
        var trusted = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        var references = trusted.Select(path => MetadataReference.CreateFromFile(path)).ToArray();
        var compilation = CSharpCompilation.Create("reference", references: references);
        var ours = references.Where(reference => names.Contains(Path.GetFileNameWithoutExtension(reference.FilePath))).ToArray();
        if (ours.Length != names.Length) throw new InvalidOperationException($"Of {string.Join(", ", names)} only {ours.Length} lie beside this program.");
        var types = ours.SelectMany(reference => Within(((IAssemblySymbol)compilation.GetAssemblyOrModuleSymbol(reference)!).GlobalNamespace));
        var comments = ours.SelectMany(reference => XDocument.Load(Path.ChangeExtension(reference.FilePath!, ".xml")).Descendants("member"));
        return new PublicApi([.. types.OrderBy(type => type.ToDisplayString(), StringComparer.Ordinal)], comments.ToDictionary(member => member.Attribute("name")!.Value));
    }

    /// <summary>The comment of a symbol as the compiler wrote it; null if there is none.</summary>
    public XElement? CommentOf(ISymbol symbol) => symbol.OriginalDefinition.GetDocumentationCommentId() is { } id ? _comments.GetValueOrDefault(id) : null;

    /// <summary>What an application can call or override, in the order of the sources.</summary>
    public static IEnumerable<ISymbol> MembersOf(INamedTypeSymbol type)
    {
        foreach (var member in type.GetMembers())
        {
            var reachable = member.DeclaredAccessibility is Accessibility.Public
                || (!type.IsSealed && !type.IsStatic && member.DeclaredAccessibility is Accessibility.Protected or Accessibility.ProtectedOrInternal);
            if (!reachable || member is INamedTypeSymbol || IsGenerated(member)) continue;
            if (member is IMethodSymbol method && (method.MethodKind is MethodKind.PropertyGet or MethodKind.PropertySet or MethodKind.EventAdd or MethodKind.EventRemove or MethodKind.Destructor
                or MethodKind.StaticConstructor || IsOfEveryObject(method))) continue;
            // A structure has a constructor without parameters anyway, an enumeration a field for its value.
            if (member is IMethodSymbol { MethodKind: MethodKind.Constructor, Parameters.IsEmpty: true } && type.IsValueType) continue;
            if (type.TypeKind == TypeKind.Enum && member is not IFieldSymbol { HasConstantValue: true }) continue;
            yield return member;
        }
    }

    private static IEnumerable<INamedTypeSymbol> Within(INamespaceOrTypeSymbol outer) => outer.GetMembers().SelectMany(member => member switch
    {
        INamespaceSymbol inner => Within(inner),
        INamedTypeSymbol { DeclaredAccessibility: Accessibility.Public } type => Within(type).Prepend(type),
        _ => [],
    });

    private static bool IsGenerated(ISymbol member) => member.GetAttributes().Any(attribute => attribute.AttributeClass?.Name == "CompilerGeneratedAttribute")
        || member.Name is "EqualityContract" or "<Clone>$";

    private static bool IsOfEveryObject(IMethodSymbol method)
    {
        while (method.OverriddenMethod is { } overridden) method = overridden;
        return method.ContainingType.SpecialType is SpecialType.System_Object or SpecialType.System_ValueType;
    }
}
