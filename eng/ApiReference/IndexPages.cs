using System.Text.Json;
using Microsoft.CodeAnalysis;

namespace ApiReference;

/// <summary>The front page of the reference, a page for each namespace, and the list beside every page.</summary>
internal sealed class IndexPages(PublicApi api, Addresses addresses, Comments comments)
{
    private static readonly JsonSerializerOptions _indented = new() { WriteIndented = true };

    private readonly IGrouping<string, INamedTypeSymbol>[] _spaces = [.. api.Types.GroupBy(type => type.ContainingNamespace.ToDisplayString()).OrderBy(group => group.Key, StringComparer.Ordinal)];

    public string Front() => "# API reference\n\nEvery public type and member, as its comments in the source describe it. Shapes, units, ranges and sources are given there.\n\n"
        + string.Join("\n\n", _spaces.Select(space => $"## [{space.Key}](/api/{space.Key}/)\n\n{string.Join(", ", space.Where(type => type.ContainingType is null).Select(Link))}")) + "\n";

    public IEnumerable<(string Namespace, string Text)> Namespaces() => _spaces.Select(space => (space.Key,
        $"---\noutline: false\n---\n\n# {space.Key}\n\n| type | |\n| --- | --- |\n" + string.Concat(space.Select(type => $"| {Link(type)} | {comments.Line(comments.Of(type).Element("summary"))} |\n"))));

    public string Sidebar() => JsonSerializer.Serialize(
        _spaces.Select(space => new
        {
            text = space.Key,
            link = $"/api/{space.Key}/",
            collapsed = true,
            items = space.Select(type => new { text = Addresses.NameOf(type).Replace("<", "&lt;", StringComparison.Ordinal), link = addresses.Of(type) }),
        }), _indented);

    private string Link(INamedTypeSymbol type) => comments.Link(type.GetDocumentationCommentId()!);
}
