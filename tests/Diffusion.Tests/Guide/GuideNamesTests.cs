using System.Reflection;
using System.Text.RegularExpressions;
using Diffusion.Checkpoints.Schedulers;
using Diffusion.Imaging;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Diffusion.Tests.Guide;

/// <summary>What the guide names in running text exists: a type, a member of that type, or something of another library that is listed here.</summary>
public partial class GuideNamesTests
{
    private const BindingFlags Everything = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.FlattenHierarchy;

    // Names of Python libraries, packages and files.
    private static readonly HashSet<string> _foreign =
    [
        "UNet2DModel", "UNet2DConditionModel", "EMAModel", "BrownianTreeNoiseSampler", "CompVisDenoiser", "CompVisVDenoiser", "Denoiser", "DistributedSampler", "GradScaler", "Ancestral",
        "ModuleList", "SharpZipLib", "SkiaSharp", "TorchSharp", "Program", "ConsoleLines", "DiffusionRelaxTorchSharp", .. SchedulerConfig.KnownClasses,
    ];

    private static readonly Type[] _own = [.. new[] { typeof(NoiseSchedule), typeof(ImageFile) }.SelectMany(type => type.Assembly.GetExportedTypes())];

    private static readonly Type[] _others = [.. new[] { typeof(torch), typeof(object), typeof(ILogger) }.SelectMany(type => type.Assembly.GetExportedTypes())];

    public static TheoryData<string> Chapters => new(Directory.GetFiles(Repository.PathOf("docs", "guide"), "*.md").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Chapters))]
    public void EveryNameExists(string chapter)
    {
        var text = File.ReadAllText(Repository.PathOf("docs", "guide", chapter));
        var unknown = Spans(text).SelectMany(span => Unknown(span)).Distinct().ToArray();
        Assert.True(unknown.Length == 0, $"docs/guide/{chapter} names {string.Join(", ", unknown)}, which nothing is called.");
    }

    [Theory]
    [InlineData("`DdimSampler`, `TimeGrid.Karras(schedule, 25)`, `.Averages`, `torch.NewDisposeScope()`", "")]
    [InlineData("`new DdinSampler()`", "DdinSampler")]
    [InlineData("`TimeGrid.Caras(schedule, 25)`", "TimeGrid.Caras")]
    [InlineData("```csharp\nNonsense();\n```", "")]
    public void ANameThatNothingHasIsFound(string text, string unknown) => Assert.Equal(unknown, string.Join(", ", Spans(text).SelectMany(span => Unknown(span))));

    private static IEnumerable<string> Spans(string text) => CodeSpan().Matches(Block().Replace(text, "")).Select(match => match.Groups["code"].Value);

    private static IEnumerable<string> Unknown(string code)
    {
        if (code.StartsWith("dotnet ", StringComparison.Ordinal)) yield break; // a command
        foreach (Match match in Name().Matches(Literal().Replace(code, "")))
        {
            var parts = match.Value.Split('.');
            if (_foreign.Contains(parts[0])) continue;
            var owner = _own.FirstOrDefault(type => NameOf(type) == parts[0]);
            if (owner is not null && parts.Length > 1 ? !Has(owner, parts[1]) : owner is null && !parts.Any(IsKnown)) yield return match.Value;
        }
    }

    private static bool IsKnown(string name) => _others.Any(type => NameOf(type) == name || NameOf(type) == name + "Attribute") || Has(typeof(torch), name) || Has(typeof(Tensor), name) || _own.Any(type => Has(type, name));

    private static bool Has(Type type, string name) =>
        type.GetMember(name, Everything).Any(member => member is not MethodBase { IsPrivate: true } and not FieldInfo { IsPrivate: true }) || (type.IsEnum && Enum.GetNames(type).Contains(name));

    private static string NameOf(Type type) => type.Name.Split('`')[0];

    [GeneratedRegex(@"```.*?```|<!--.*?-->", RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex("`(?<code>[^`\n]+)`")]
    private static partial Regex CodeSpan();

    [GeneratedRegex("\"[^\"]*\"")]
    private static partial Regex Literal();

    [GeneratedRegex(@"(?<![\w\-/…])[A-Z][a-z]\w+(\.[A-Z]\w+)*")]
    private static partial Regex Name();
}
