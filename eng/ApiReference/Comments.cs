using System.Text;
using System.Xml.Linq;
using Microsoft.CodeAnalysis;

namespace ApiReference;

/// <summary>The comments of types and members as Markdown; what is inherited is looked up.</summary>
internal sealed class Comments(PublicApi api, Addresses addresses)
{
    /// <summary>What comments refer to and the reference does not have, of our own.</summary>
    public SortedSet<string> Unknown { get; } = new(StringComparer.Ordinal);

    /// <summary>The comment of a symbol; an empty element if there is none.</summary>
    public XElement Of(ISymbol symbol)
    {
        var element = api.CommentOf(symbol) ?? new XElement("member");
        if (element.Element("inheritdoc") is null && element.HasElements) return element;
        var inherited = Ancestors(symbol).Select(Of).FirstOrDefault(each => each.HasElements);
        if (inherited is null) return element;
        var own = element.Elements().Where(each => each.Name != "inheritdoc").ToArray();
        return new XElement("member", own, inherited.Elements().Where(each => !own.Any(o => o.Name == each.Name && (string?)o.Attribute("name") == (string?)each.Attribute("name"))));
    }

    /// <summary>An element of a comment as Markdown of one or more paragraphs; empty if it is not there.</summary>
    public string Text(XElement? element)
    {
        if (element is null) return "";
        var text = new StringBuilder();
        foreach (var node in element.Nodes()) Append(text, node);
        return string.Join("\n\n", text.ToString().Split("\n\n").Select(paragraph => paragraph.Contains("```", StringComparison.Ordinal) ? paragraph.Trim('\n') : Flat(paragraph)).Where(p => p.Length > 0));
    }

    /// <summary>The same in one line, for a cell of a table.</summary>
    public string Line(XElement? element) => Text(element).Replace("\n\n", " ", StringComparison.Ordinal).Replace("|", "\\|", StringComparison.Ordinal);

    /// <summary>Text with everything escaped that Markdown, the site's templates or its formulas would take for theirs.</summary>
    public static string Plain(string text)
    {
        var escaped = new StringBuilder();
        foreach (var c in text)
        {
            escaped.Append(c switch
            {
                '<' => "&lt;",
                '>' => "&gt;",
                '&' => "&amp;",
                '{' => "&#123;",
                '}' => "&#125;",
                '*' or '_' or '`' or '[' or ']' or '\\' or '$' or '#' or '~' => $"\\{c}",
                _ => c.ToString(),
            });
        }
        return escaped.ToString();
    }

    /// <summary>A name with a link where the reference has it.</summary>
    public string Link(string cref)
    {
        var (address, name) = addresses.Of(cref);
        if (address is null && cref.Contains(":Diffusion.", StringComparison.Ordinal)) Unknown.Add(cref);
        return address is null ? $"`{name}`" : $"[`{name}`]({address})";
    }

    private static IEnumerable<ISymbol> Ancestors(ISymbol symbol)
    {
        switch (symbol)
        {
            case IMethodSymbol { OverriddenMethod: { } method }: yield return method; break;
            case IPropertySymbol { OverriddenProperty: { } property }: yield return property; break;
            case INamedTypeSymbol { BaseType: { } parent } type:
                yield return parent;
                foreach (var each in type.Interfaces) yield return each;
                yield break;
        }
        if (symbol.ContainingType is not { } container) yield break;
        foreach (var member in container.AllInterfaces.SelectMany(each => each.GetMembers()))
            if (SymbolEqualityComparer.Default.Equals(container.FindImplementationForInterfaceMember(member), symbol)) yield return member;
        // A constructor is documented by the parent's of the same parameters.
        if (symbol is IMethodSymbol { MethodKind: MethodKind.Constructor } made && container.BaseType is { } above)
            foreach (var other in above.InstanceConstructors.Where(other => other.Parameters.Select(p => p.Name).SequenceEqual(made.Parameters.Select(p => p.Name)))) yield return other;
    }

    private static string Flat(string paragraph) => string.Join(' ', paragraph.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).Replace(" <br> ", "<br>", StringComparison.Ordinal);

    private void Append(StringBuilder text, XNode node)
    {
        if (node is XText plain) text.Append(Plain(plain.Value.Replace("\n\n", "\n", StringComparison.Ordinal)));
        if (node is not XElement element) return;
        switch (element.Name.LocalName)
        {
            case "see" or "seealso" when element.Attribute("cref") is { } cref: text.Append(Link(cref.Value)); break;
            case "see" when element.Attribute("href") is { } href: text.Append($"[{Plain(element.Value.Length > 0 ? element.Value : href.Value)}]({href.Value})"); break;
            case "see" when element.Attribute("langword") is { } word: text.Append($"`{word.Value}`"); break;
            case "paramref" or "typeparamref": text.Append($"`{element.Attribute("name")!.Value}`"); break;
            case "c": text.Append(element.Value.Contains('`', StringComparison.Ordinal) ? $"`` {element.Value} ``" : $"`{element.Value}`"); break;
            case "code": text.Append($"\n\n```csharp\n{Dedented(element.Value)}\n```\n\n"); break;
            case "br": text.Append(" <br> "); break;
            case "para":
                text.Append("\n\n");
                foreach (var child in element.Nodes()) Append(text, child);
                text.Append("\n\n");
                break;
            default:
                foreach (var child in element.Nodes()) Append(text, child);
                break;
        }
    }

    private static string Dedented(string code)
    {
        var lines = code.Trim('\n').TrimEnd().Split('\n');
        var indent = lines.Where(line => line.Trim().Length > 0).Select(line => line.Length - line.TrimStart().Length).DefaultIfEmpty(0).Min();
        return string.Join('\n', lines.Select(line => line.Length >= indent ? line[indent..] : line));
    }
}
