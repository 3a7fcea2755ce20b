// What eng/consume.sh runs over the packages that it has made: a line for each claim about them; the exit status is the number of those that do not hold.
//   PackageCheck FEED VERSION REPOSITORY [REMOTE]     REMOTE is the address on GitHub that the repository is cloned from; none if left out
using System.Collections.Immutable;
using System.IO.Compression;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;

var (feed, version, repository, remote) = (args[0], args[1], Path.GetFullPath(args[2]), args.ElementAtOrDefault(3));
var failures = 0;

CheckPackage("Diffusion", "T:Diffusion.Sampler", [("Microsoft.Extensions.Logging.Abstractions", null), ("TorchSharp", "[0.107.0, 0.108.0)")],
    ["buildTransitive/Diffusion.targets", "buildTransitive/DiffusionRelaxVersionNeed.cs"]);
CheckPackage("Diffusion.Imaging", "T:Diffusion.Imaging.ImageFile", [("Diffusion", $"[{version}]"), ("SkiaSharp", null), ("SkiaSharp.NativeAssets.Linux.NoDependencies", null)], []);
return failures;

void CheckPackage(string id, string documented, (string Id, string? Range)[] dependencies, string[] more)
{
    using var package = ZipFile.OpenRead(Path.Combine(feed, $"{id}.{version}.nupkg"));
    using var symbols = ZipFile.OpenRead(Path.Combine(feed, $"{id}.{version}.snupkg"));
    var library = $"lib/net10.0/{id}";
    Same($"{id}: its files", [$"{id}.nuspec", "README.md", "icon.png", $"{library}.dll", $"{library}.xml", .. more], Files(package));
    Same($"{id}: its symbols", [$"{id}.nuspec", $"{library}.pdb"], Files(symbols));

    var nuspec = XDocument.Load(new MemoryStream(Bytes(package, $"{id}.nuspec"))).Root!.Elements().Single();
    string? Field(string name) => nuspec.Elements().SingleOrDefault(element => element.Name.LocalName == name)?.Value;
    Same($"{id}: name, version, licence, icon, readme", [id, version, "MIT", "icon.png", "README.md"], [Field("id"), Field("version"), Field("license"), Field("icon"), Field("readme")]);
    Check($"{id}: description and authors", Field("description") is { Length: > 60 } && Field("authors") is { Length: > 3 } && Field("copyright") is { Length: > 3 }, Field("description"));
    Check($"{id}: tags", Field("tags")?.Split(' ') is { Length: >= 4 } tags && tags.Contains("torchsharp"), Field("tags"));

    var found = nuspec.Descendants().Where(element => element.Name.LocalName == "dependency").Select(element => (Id: (string)element.Attribute("id")!, Range: (string)element.Attribute("version")!)).ToArray();
    Same($"{id}: depends on nothing else", dependencies.Select(one => one.Id), found.Select(one => one.Id));
    foreach (var (name, range) in dependencies.Where(one => one.Range is not null))
        Same($"{id}: depends on {name} {range}", [range], found.Where(one => one.Id == name).Select(one => one.Range));

    var source = nuspec.Elements().SingleOrDefault(element => element.Name.LocalName == "repository");
    var commit = (string?)source?.Attribute("commit") ?? "";
    Same($"{id}: repository", ["git", remote], [(string?)source?.Attribute("type"), (string?)source?.Attribute("url")]);
    Check($"{id}: commit", Regex.IsMatch(commit, "^[0-9a-f]{40}$"), commit);

    var icon = Bytes(package, "icon.png");
    Check($"{id}: the icon is a square PNG of at least 128 pixels", icon.AsSpan(1).StartsWith("PNG"u8) && Big(icon, 16) >= 128 && Big(icon, 16) == Big(icon, 20), icon.Length);
    var readme = Encoding.UTF8.GetString(Bytes(package, "README.md"));
    Same($"{id}: links of the readme lead somewhere from the package", [], Regex.Matches(readme, @"\]\(([^)]+)\)").Select(link => link.Groups[1].Value).Where(link => !link.StartsWith("https://")));
    Check($"{id}: documentation", Encoding.UTF8.GetString(Bytes(package, $"{library}.xml")).Contains($"<member name=\"{documented}\">"), documented);
    CheckSymbols(id, Bytes(package, $"{library}.dll"), Bytes(symbols, $"{library}.pdb"), commit);
}

void CheckSymbols(string id, byte[] library, byte[] symbols, string commit)
{
    using var image = new PEReader(library.ToImmutableArray());
    using var provider = MetadataReaderProvider.FromPortablePdbImage(symbols.ToImmutableArray());
    var debug = image.ReadDebugDirectory();
    var reader = provider.GetMetadataReader();
    Check($"{id}: deterministic", debug.Any(entry => entry.Type == DebugDirectoryEntryType.Reproducible), "no such mark");
    var code = debug.Single(entry => entry.Type == DebugDirectoryEntryType.CodeView);
    var stamp = new BlobContentId(image.ReadCodeViewDebugDirectoryData(code).Guid, code.Stamp);
    Check($"{id}: the symbols are those of the library", stamp == new BlobContentId(reader.DebugMetadataHeader!.Id), stamp);

    // Every source is a file of the repository, or lies in the symbols; and no path says where the repository lay.
    var documents = reader.Documents.Select(handle => (Handle: handle, Name: reader.GetString(reader.GetDocument(handle).Name))).ToArray();
    Same($"{id}: paths begin with /_/", [], documents.Select(document => document.Name).Where(name => !name.StartsWith("/_/")));
    Same($"{id}: sources are in the repository or in the symbols", [], documents.Where(document => Information(document.Handle, "0E8A571B-6926-466E-B4AD-8AB04611F5FE") is null
        && (document.Name.Contains("/obj/") || !File.Exists(Path.Combine(repository, document.Name[3..])))).Select(document => document.Name));
    var link = Information(MetadataTokens.EntityHandle(TableIndex.Module, 1), "CC110556-A091-4D38-9FEC-25AB9A351A6A");
    var targets = link is null ? [] : JsonDocument.Parse(link).RootElement.GetProperty("documents").EnumerateObject().Select(entry => $"{entry.Name} {entry.Value}");
    Same($"{id}: source link", remote is null ? [] : [$"/_/* {Regex.Replace(remote, @"^https://github\.com/(.*)\.git$", "https://raw.githubusercontent.com/$1")}/{commit}/*"], targets);

    byte[]? Information(EntityHandle of, string kind) => reader.GetCustomDebugInformation(of).Select(reader.GetCustomDebugInformation)
        .Where(entry => reader.GetGuid(entry.Kind) == new Guid(kind)).Select(entry => reader.GetBlobBytes(entry.Value)).FirstOrDefault();
}

// Without what every package of the format has.
IEnumerable<string> Files(ZipArchive archive) =>
    archive.Entries.Select(entry => entry.FullName).Where(name => name != "[Content_Types].xml" && !name.StartsWith("_rels/") && !name.StartsWith("package/"));

byte[] Bytes(ZipArchive archive, string name)
{
    using var stream = (archive.GetEntry(name) ?? throw new InvalidDataException($"There is no {name}.")).Open();
    using var memory = new MemoryStream();
    stream.CopyTo(memory);
    return memory.ToArray();
}

int Big(byte[] bytes, int at) => System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(at));

void Same(string claim, IEnumerable<string?> expected, IEnumerable<string?> actual) =>
    Check(claim, expected.Order(StringComparer.Ordinal).SequenceEqual(actual.Order(StringComparer.Ordinal)), $"[{string.Join(", ", actual)}] instead of [{string.Join(", ", expected)}]");

void Check(string claim, bool holds, object? otherwise)
{
    Console.WriteLine($"{(holds ? "passed" : "failed")}: {claim}{(holds ? "" : $" ({otherwise})")}");
    if (!holds) failures++;
}
