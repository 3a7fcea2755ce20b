using System.Text;
using System.Xml.Linq;
using Microsoft.CodeAnalysis;

namespace ApiReference;

/// <summary>The page of one type: what it is, its members, and what it inherits.</summary>
internal sealed class TypePage(INamedTypeSymbol type, PublicApi api, Addresses addresses, Comments comments)
{
    private readonly StringBuilder _page = new();

    public string Write()
    {
        var space = type.ContainingNamespace.ToDisplayString();
        Lines($"---\ntitle: \"{Addresses.NameOf(type)}\"\noutline: 3\n---\n\n# {Comments.Plain(Addresses.NameOf(type))}");
        Lines($"Namespace [{space}](/api/{space}/), package {type.ContainingAssembly.Name}");
        Code(Signatures.Of(type));
        var comment = comments.Of(type);
        Lines(comments.Text(comment.Element("summary")));
        Lines(comments.Text(comment.Element("remarks")));
        var derived = api.Types.Where(each => SymbolEqualityComparer.Default.Equals(each.BaseType?.OriginalDefinition, type) || each.Interfaces.Any(i => SymbolEqualityComparer.Default.Equals(i.OriginalDefinition, type))).ToArray();
        if (derived.Length > 0) Lines($"{(type.TypeKind == TypeKind.Interface ? "Implemented by" : "Derived")}: {string.Join(", ", derived.Select(each => comments.Link(each.GetDocumentationCommentId()!)))}");

        var members = PublicApi.MembersOf(type).ToArray();
        if (type.TypeKind == TypeKind.Enum) Values(members);
        else
        {
            Section("Constructors", members.Where(m => m is IMethodSymbol { MethodKind: MethodKind.Constructor }), comment);
            Section("Fields", members.Where(m => m is IFieldSymbol), comment);
            Section("Properties", members.Where(m => m is IPropertySymbol), comment);
            Section("Methods", members.Where(m => m is IMethodSymbol { MethodKind: MethodKind.Ordinary or MethodKind.DelegateInvoke } && type.TypeKind != TypeKind.Delegate), comment);
            Section("Operators", members.Where(m => m is IMethodSymbol { MethodKind: MethodKind.UserDefinedOperator or MethodKind.Conversion }), comment);
            Section("Events", members.Where(m => m is IEventSymbol), comment);
            if (type.TypeKind == TypeKind.Delegate) Details(comment, type.DelegateInvokeMethod!.Parameters, type);
            Inherited(members);
        }
        return _page.ToString();
    }

    private void Values(ISymbol[] members)
    {
        Lines("## Values");
        Lines("| value | number | |\n| --- | --- | --- |\n" + string.Join('\n', members.Cast<IFieldSymbol>().Select(value =>
            $"| <a id=\"{addresses.AnchorOf(value)}\"></a>`{value.Name}` | {value.ConstantValue} | {comments.Line(comments.Of(value).Element("summary"))} |")));
    }

    private void Section(string title, IEnumerable<ISymbol> members, XElement ofType)
    {
        var listed = members.ToArray();
        if (listed.Length == 0) return;
        Lines($"## {title}");
        foreach (var member in listed)
        {
            Lines($"### {Comments.Plain(Signatures.Title(member))} {{#{addresses.AnchorOf(member)}}}");
            Code(Signatures.Of(member));
            var comment = comments.Of(member);
            // What a record declares in its brackets is described by the parameters of the type.
            if (!comment.HasElements && ofType.Elements("param").FirstOrDefault(each => (string?)each.Attribute("name") == member.Name) is { } parameter) Lines(comments.Text(parameter));
            else if (!comment.HasElements && member is IMethodSymbol { MethodKind: MethodKind.Constructor } made) Details(new XElement("member", ofType.Elements("param")), made.Parameters, made);
            Lines(comments.Text(comment.Element("summary")));
            Details(comment, member switch { IMethodSymbol method => method.Parameters, IPropertySymbol property => property.Parameters, _ => [] }, member);
        }
    }

    private void Details(XElement comment, IEnumerable<IParameterSymbol> parameters, ISymbol of)
    {
        var described = parameters.Select(p => (Parameter: p, Text: comments.Line(comment.Elements("param").FirstOrDefault(each => (string?)each.Attribute("name") == p.Name)))).Where(each => each.Text.Length > 0).ToArray();
        if (described.Length > 0)
            Lines("| parameter | type | |\n| --- | --- | --- |\n" + string.Join('\n', described.Select(each => $"| `{each.Parameter.Name}` | {TypeLink(each.Parameter.Type)} | {each.Text} |")));
        if (comments.Text(comment.Element("value")) is { Length: > 0 } value) Lines(value);
        if (comments.Text(comment.Element("returns")) is { Length: > 0 } returns) Lines($"**Returns** {(of is IMethodSymbol { ReturnsVoid: false } method ? TypeLink(method.ReturnType) + ": " : "")}{returns}");
        if (of is not INamedTypeSymbol) Lines(comments.Text(comment.Element("remarks")));
        var thrown = comment.Elements("exception").Where(each => each.Attribute("cref") is not null).ToArray();
        if (thrown.Length > 0)
            Lines("| throws | when |\n| --- | --- |\n" + string.Join('\n', thrown.Select(each => $"| {comments.Link(each.Attribute("cref")!.Value)} | {comments.Line(each)} |")));
    }

    // What comes from other types of the library, by name.
    private void Inherited(ISymbol[] own)
    {
        for (var parent = type.BaseType; parent is not null; parent = parent.BaseType)
        {
            if (addresses.Of(parent) is null) continue;
            var members = PublicApi.MembersOf(parent.OriginalDefinition)
                .Where(m => m is not IMethodSymbol { MethodKind: MethodKind.Constructor } && !own.Any(o => o.Name == m.Name) && (m.DeclaredAccessibility == Accessibility.Public || !type.IsSealed))
                .GroupBy(m => m.Name).Select(group => $"[`{group.Key}`]({addresses.Of(group.First())})").ToArray();
            if (members.Length > 0) Lines($"**Inherited from** {comments.Link(parent.OriginalDefinition.GetDocumentationCommentId()!)}: {string.Join(", ", members)}");
        }
    }

    private string TypeLink(ITypeSymbol of)
    {
        var written = Signatures.Use(of).Replace("|", "\\|", StringComparison.Ordinal);
        return addresses.Of(of) is { } address ? $"[`{written}`]({address})" : $"`{written}`";
    }

    private void Code(string declaration) => Lines($"```csharp\n{declaration}\n```");

    private void Lines(string text)
    {
        if (text.Length > 0) _page.Append(text).Append("\n\n");
    }
}
