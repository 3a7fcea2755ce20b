using System.Reflection;
using Xunit;

namespace Diffusion.Tests.Design;

/// <summary>
/// What users can see is on record, in src/*/PublicApi.txt, so that no change of it goes unnoticed. After one that is meant, write the record anew and look at its difference:
/// <c>dotnet run --project tests/Diffusion.Tests -- --explicit only --filter-method "*PublicApiTests.Record"</c>.
/// </summary>
public class PublicApiTests
{
    private static readonly Assembly Core = typeof(Sampler).Assembly, Imaging = typeof(Diffusion.Imaging.ImageFile).Assembly;
    private static readonly Assembly[] Libraries = [Core, Imaging];

    public static TheoryData<string> LibraryNames => [.. Libraries.Select(library => library.GetName().Name!)];

    public static IEnumerable<Type> PublicTypes => Libraries.SelectMany(library => library.GetExportedTypes());

    [Theory]
    [MemberData(nameof(LibraryNames))]
    public void ThePublicApiIsTheOneOnRecord(string library)
    {
        string[] recorded = File.ReadAllLines(RecordOf(library)), actual = TextOf(library).TrimEnd('\n').Split('\n');
        if (recorded.SequenceEqual(actual)) return;
        var changes = recorded.Except(actual).Select(line => $"- {line.Trim()}").Concat(actual.Except(recorded).Select(line => $"+ {line.Trim()}"));
        Assert.Fail($"What users of {library} can see is not what {RecordOf(library)} says. If that is meant, write it anew by\n"
            + $"dotnet run --project tests/Diffusion.Tests -- --explicit only --filter-method \"*PublicApiTests.Record\"\n{string.Join('\n', changes)}");
    }

    [Theory(Explicit = true)]
    [MemberData(nameof(LibraryNames))]
    public void Record(string library) => File.WriteAllText(RecordOf(library), TextOf(library));

    [Fact]
    public void TheCoreNeedsTorchSharpAndLoggingAlone() =>
        Assert.Equal(["Microsoft.Extensions.Logging.Abstractions", "TorchSharp"], OutsidersOf(Core));

    [Fact]
    public void ImagingAddsSkiaSharpAlone() => Assert.Equal(["Diffusion", "SkiaSharp", "TorchSharp"], OutsidersOf(Imaging));

    [Fact]
    public void SignaturesNameNoTypesOfOtherLibrariesThanTorchSharpAndLogging()
    {
        string[] others = [.. PublicTypes.SelectMany(Mentioned).Select(type => type.Assembly).Except(Libraries).Select(library => library.GetName().Name!)
            .Where(name => !name.StartsWith("System", StringComparison.Ordinal)).Distinct().Order(StringComparer.Ordinal)];
        Assert.Equal(["Microsoft.Extensions.Logging.Abstractions", "TorchSharp"], others);
    }

    [Fact]
    public void EveryPublicTypeCanBeHad()
    {
        // By a constructor, or from a member of a public type. What cannot be had is of no use, and should not be public.
        var had = PublicTypes.SelectMany(Mentioned).ToHashSet();
        Assert.Empty(PublicTypes.Where(type => type.IsClass && !(type.IsAbstract && type.IsSealed) && !had.Contains(type)
            && !ApiText.MembersOf(type).OfType<ConstructorInfo>().Any()).Select(type => type.FullName));
    }

    [Fact]
    public void WhatUsersCannotCompleteOffersThemNoConstructor() =>
        Assert.Empty(PublicTypes.Where(type => type is { IsAbstract: true, IsSealed: false, IsInterface: false } && ApiText.MembersOf(type).OfType<ConstructorInfo>().Any()
                && type.GetMethods(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Any(method => method.IsAbstract && !ApiText.IsSeen(method)))
            .Select(type => type.FullName));

    private static string TextOf(string library) => ApiText.Of(Libraries.Single(one => one.GetName().Name == library));

    private static string RecordOf(string library) => Repository.PathOf("src", library, "PublicApi.txt");

    private static string[] OutsidersOf(Assembly library) =>
        [.. library.GetReferencedAssemblies().Select(name => name.Name!).Where(name => !name.StartsWith("System", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    /// <summary>All types in what users see of a type: its bases, and those of its members.</summary>
    private static IEnumerable<Type> Mentioned(Type type)
    {
        IEnumerable<Type?> direct = ApiText.MembersOf(type).SelectMany(IEnumerable<Type> (member) => member switch
        {
            MethodInfo method => [method.ReturnType, .. method.GetParameters().Select(parameter => parameter.ParameterType)],
            MethodBase constructor => constructor.GetParameters().Select(parameter => parameter.ParameterType),
            PropertyInfo property => [property.PropertyType, .. property.GetIndexParameters().Select(parameter => parameter.ParameterType)],
            FieldInfo field => [field.FieldType],
            EventInfo @event => [@event.EventHandlerType!],
            _ => [],
        });
        return direct.Append(type.BaseType).Concat(type.GetInterfaces().Where(contract => contract.IsVisible)).SelectMany(Parts).Distinct();
    }

    private static IEnumerable<Type> Parts(Type? type)
    {
        if (type is null || type.IsGenericParameter) return [];
        if (type.HasElementType) return Parts(type.GetElementType());
        return type.GetGenericArguments().SelectMany(Parts).Append(type.IsGenericType ? type.GetGenericTypeDefinition() : type);
    }
}
