using Diffusion.Checkpoints;
using Xunit;

namespace Diffusion.Tests.Checkpoints;

public sealed class StateDictTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AModuleIsLoadedAsItWasSaved()
    {
        using var scope = NewDisposeScope();
        using var a = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4));
        using var b = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4));
        StateDict.Save(a, _folder.File("x"));
        using var file = SafetensorsFile.Open(_folder.File("x"));
        StateDict.LoadInto(b, file);
        Assert.Equal("pt", file.Metadata["format"]);
        foreach (var (name, value) in a.state_dict()) Assert.Equal(value.bytes.ToArray(), b.state_dict()[name].bytes.ToArray());
        Assert.All(b.parameters(), p => Assert.True(p.requires_grad && p.is_leaf));
    }

    [Fact]
    public void FloatsAreConvertedToTheTypeOfTheModule()
    {
        using var scope = NewDisposeScope();
        using var module = nn.Linear(2, 1, hasBias: false);
        using var file = Saved(("weight", tensor(new[] { 1.5, -2.25 }).view(1, 2)));
        StateDict.LoadInto(module, file);
        Assert.Equal([1.5f, -2.25f], module.weight.data<float>().ToArray());
    }

    [Fact]
    public void MissingAndUnexpectedKeysAreListedAndNothingIsCopied()
    {
        using var scope = NewDisposeScope();
        using var module = nn.Linear(2, 1);
        var before = module.weight.data<float>().ToArray();
        using var file = Saved(("weight", ones(1, 2)), ("scale", ones(1)));
        var message = Assert.Throws<InvalidDataException>(() => StateDict.LoadInto(module, file)).Message;
        Assert.Contains(_folder.File("x"), message, StringComparison.Ordinal);
        Assert.Contains("missing: bias", message, StringComparison.Ordinal);
        Assert.Contains("not expected: scale", message, StringComparison.Ordinal);
        Assert.Equal(before, module.weight.data<float>().ToArray());

        StateDict.LoadInto(module, file, strict: false);
        Assert.Equal([1f, 1f], module.weight.data<float>().ToArray());
    }

    [Fact]
    public void ShapesAndTypesMustFit()
    {
        using var scope = NewDisposeScope();
        using var module = nn.Linear(2, 1);
        using var file = Saved(("weight", ones(2, 1)), ("bias", ones(1, dtype: int32)));
        var message = Assert.Throws<InvalidDataException>(() => StateDict.LoadInto(module, file, strict: false)).Message;
        Assert.Contains("'weight' has shape [2, 1], [1, 2] is needed", message, StringComparison.Ordinal);
        Assert.Contains("'bias' is Int32, Float32 is needed", message, StringComparison.Ordinal);
    }

    [Fact]
    public void KeysAreRenamedOrLeftOut()
    {
        using var scope = NewDisposeScope();
        using var module = nn.Linear(2, 1, hasBias: false);
        using var file = Saved(("old.weight", ones(1, 2)), ("old.note", ones(1)));
        StateDict.LoadInto(module, file, key => key == "old.note" ? null : key["old.".Length..]);
        Assert.Equal([1f, 1f], module.weight.data<float>().ToArray());
        var message = Assert.Throws<InvalidDataException>(() => StateDict.LoadInto(module, file, _ => "weight")).Message;
        Assert.Contains("both mean 'weight'", message, StringComparison.Ordinal);
    }

    private SafetensorsFile Saved(params (string, Tensor)[] tensors)
    {
        SafetensorsFile.Save(_folder.File("x"), tensors);
        return SafetensorsFile.Open(_folder.File("x"));
    }
}
