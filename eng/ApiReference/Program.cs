// Writes the reference of the public API as Markdown pages, one a type, from the assemblies and the XML that their comments became.
using ApiReference;

if (args is not [var folder])
{
    Console.Error.WriteLine("ApiReference FOLDER: the folder is made anew.");
    return 2;
}
if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
var api = PublicApi.Load("Diffusion", "Diffusion.Imaging");
var addresses = new Addresses(api);
var comments = new Comments(api, addresses);
foreach (var type in api.Types)
{
    var path = Path.Combine(folder, Addresses.FileOf(type));
    Directory.CreateDirectory(Path.GetDirectoryName(path)!);
    File.WriteAllText(path, new TypePage(type, api, addresses, comments).Write());
}
var index = new IndexPages(api, addresses, comments);
foreach (var (space, text) in index.Namespaces()) File.WriteAllText(Path.Combine(folder, space, "index.md"), text);
File.WriteAllText(Path.Combine(folder, "index.md"), index.Front());
File.WriteAllText(Path.Combine(folder, "sidebar.json"), index.Sidebar());

foreach (var unknown in comments.Unknown) Console.Error.WriteLine($"A comment refers to {unknown}, which is not public: write <c> instead of <see>.");
Console.WriteLine($"{api.Types.Count} types of {api.Types.Select(type => type.ContainingNamespace.ToDisplayString()).Distinct().Count()} namespaces.");
return comments.Unknown.Count == 0 ? 0 : 1;
