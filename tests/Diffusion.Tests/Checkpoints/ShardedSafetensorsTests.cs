using Diffusion.Checkpoints;
using Xunit;

namespace Diffusion.Tests.Checkpoints;

public sealed class ShardedSafetensorsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public ShardedSafetensorsTests()
    {
        using var scope = NewDisposeScope();
        SafetensorsFile.Save(_folder.File("m-1.safetensors"), [("a", ones(2)), ("b", ones(3))]);
        SafetensorsFile.Save(_folder.File("m-2.safetensors"), [("c", full(4, 7f))]);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TensorsOfAllFilesAreRead()
    {
        using var scope = NewDisposeScope();
        using var file = Open("""{"metadata":{"total_size":36},"weight_map":{"c":"m-2.safetensors","a":"m-1.safetensors","b":"m-1.safetensors"}}""");
        Assert.Equal(["a", "b", "c"], file.Keys.Order(StringComparer.Ordinal));
        Assert.Equal([4L], file.Shape("c"));
        Assert.Equal(ScalarType.Float32, file.DType("c"));
        Assert.Equal(28f, file.Read("c").sum().item<float>());
        Assert.False(file.Contains("d"));
        Assert.Throws<KeyNotFoundException>(() => file.Read("d"));
    }

    [Theory]
    [InlineData("""{"weight_map":{"a":"../m-1.safetensors"}}""", "'a' into ../m-1.safetensors")]
    [InlineData("""{"weight_map":{"a":"sub/m-1.safetensors"}}""", "plain name")]
    [InlineData("""{"weight_map":{"a":"sub\\m-1.safetensors"}}""", "plain name")]
    [InlineData("""{"weight_map":{"a":"/etc/m-1.safetensors"}}""", "plain name")]
    [InlineData("""{"weight_map":{"a":"C:m-1.safetensors"}}""", "plain name")]
    [InlineData("""{"weight_map":{"a":".safetensors"}}""", "plain name")]
    [InlineData("""{"weight_map":{"a":"m-1.bin"}}""", "plain name")]
    [InlineData("""{"weight_map":{"a":""}}""", "plain name")]
    [InlineData("""{"weight_map":{"a":1}}""", "plain name")]
    [InlineData("""{"weight_map":[]}""", "no object 'weight_map'")]
    [InlineData("""{}""", "no object 'weight_map'")]
    [InlineData("""[]""", "no object 'weight_map'")]
    [InlineData("""{"weight_map":""", "JSON")]
    [InlineData("""{"weight_map":{"a":"m-1.safetensors","a":"m-1.safetensors"}}""", "'a'")]
    [InlineData("""{"weight_map":{"a":"m-1.safetensors","b":"m-1.safetensors","x":"m-1.safetensors"}}""", "'x' into m-1.safetensors, which does not have it")]
    [InlineData("""{"weight_map":{"a":"m-1.safetensors","b":"m-1.safetensors","c":"m-1.safetensors"}}""", "'c' into m-1.safetensors, which does not have it")]
    [InlineData("""{"weight_map":{"a":"m-1.safetensors"}}""", "m-1.safetensors has 'b'")]
    public void ABrokenIndexIsRefusedWithTheFileAndTheFault(string index, string fault)
    {
        var error = Assert.Throws<InvalidDataException>(() => Open(index));
        Assert.Contains(_folder.File("m.safetensors.index.json"), error.Message, StringComparison.Ordinal);
        Assert.Contains(fault, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void APartMayBeALinkToAnotherPlace()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "links need a right there");
        using var scope = NewDisposeScope();
        using var blobs = new TemporaryFolder();
        SafetensorsFile.Save(blobs.File("0123abcd"), [("d", ones(3))]);
        File.CreateSymbolicLink(_folder.File("m-4.safetensors"), blobs.File("0123abcd"));
        using var file = Open("""{"weight_map":{"d":"m-4.safetensors"}}""");
        Assert.Equal(3f, file.Read("d").sum().item<float>());
    }

    [Fact]
    public void AMissingPartIsNamed()
    {
        var error = Assert.Throws<FileNotFoundException>(() => Open("""{"weight_map":{"a":"m-3.safetensors"}}"""));
        Assert.Contains("m-3.safetensors", error.Message, StringComparison.Ordinal);
    }

    private ShardedSafetensors Open(string index)
    {
        File.WriteAllText(_folder.File("m.safetensors.index.json"), index);
        return ShardedSafetensors.Open(_folder.File("m.safetensors.index.json"));
    }
}
