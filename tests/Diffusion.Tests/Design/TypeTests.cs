using System.Reflection;
using Xunit;

namespace Diffusion.Tests.Design;

public class TypeTests
{
    private static readonly Assembly[] Libraries = [typeof(Sampler).Assembly, typeof(Diffusion.Imaging.ImageFile).Assembly];

    private static IEnumerable<Type> Types(bool publicOnly) => Libraries.SelectMany(library => publicOnly ? library.GetExportedTypes() : library.GetTypes())
        .Where(type => !type.Name.Contains('<', StringComparison.Ordinal) && type.Namespace?.StartsWith("Diffusion", StringComparison.Ordinal) == true);

    [Fact]
    public void EveryClassIsAbstractSealedOrStatic() =>
        Assert.Empty(Types(publicOnly: false).Where(type => type.IsClass && !type.IsAbstract && !type.IsSealed).Select(type => type.FullName));

    [Fact]
    public void PublicValuesAreReadOnly() =>
        Assert.Empty(Types(publicOnly: true).Where(type => type.IsValueType && !type.IsEnum && !type.IsDefined(typeof(System.Runtime.CompilerServices.IsReadOnlyAttribute))).Select(type => type.FullName));

    [Fact]
    public void NothingStaticCanBeChanged() =>
        Assert.Empty(Types(publicOnly: false)
            .SelectMany(type => type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Where(field => !field.IsLiteral && !field.IsInitOnly && !field.Name.Contains('<', StringComparison.Ordinal) && !field.IsDefined(typeof(ThreadStaticAttribute)))
            .Select(field => $"{field.DeclaringType}.{field.Name}"));

    [Fact]
    public void NoPublicFieldsButConstants() =>
        Assert.Empty(Types(publicOnly: true).Where(type => !type.IsEnum)
            .SelectMany(type => type.GetFields(BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.DeclaredOnly))
            .Where(field => !field.IsLiteral).Select(field => $"{field.DeclaringType}.{field.Name}"));

    [Fact]
    public void TypesThatHoldTensorsAreNotRecords() => // Tensor.Equals compares contents
        Assert.Empty(Types(publicOnly: false).Where(type => type.IsClass && type.GetMethod("<Clone>$") is not null
            && type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Any(field => typeof(Tensor).IsAssignableFrom(field.FieldType))).Select(type => type.FullName));
}
