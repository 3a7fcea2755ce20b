using System.Text;
using Diffusion.Checkpoints;
using Xunit;

namespace Diffusion.Tests.Checkpoints;

public class SafetensorsFileTests
{
    public static TheoryData<ScalarType> Types =>
    [
        ScalarType.Bool, ScalarType.Byte, ScalarType.Int8, ScalarType.Int16, ScalarType.Int32, ScalarType.Int64,
        ScalarType.Float16, ScalarType.BFloat16, ScalarType.Float32, ScalarType.Float64,
    ];

    [Theory]
    [MemberData(nameof(Types))]
    public void EveryTypeComesBackBitForBit(ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var x = randn(3, 5, generator: new Generator(1)).mul(40).to(type);
        SafetensorsFile.Save(folder.File("x.safetensors"), [("x", x)]);

        using var file = SafetensorsFile.Open(folder.File("x.safetensors"));
        var read = file.Read("x");
        Assert.Equal(type, file.DType("x"));
        Assert.Equal(type, read.dtype);
        Assert.Equal([3L, 5L], file.Shape("x"));
        Assert.Equal(x.bytes.ToArray(), read.bytes.ToArray());
    }

    [Fact]
    public void ScalarsAndEmptyTensorsComeBack()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        SafetensorsFile.Save(folder.File("x"), [("scalar", tensor(2.5f)), ("empty", zeros(0, 3)), ("one", ones(1))]);
        using var file = SafetensorsFile.Open(folder.File("x"));
        Assert.Equal(2.5f, file.Read("scalar").item<float>());
        Assert.Empty(file.Shape("scalar"));
        Assert.Equal([0L, 3L], file.Read("empty").shape);
    }

    [Fact]
    public void StridedTensorsAreWrittenInRowOrder()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var x = arange(24, dtype: float32).view(2, 3, 4);
        var strided = x.permute(2, 0, 1).slice(0, 1, 4, 2);
        SafetensorsFile.Save(folder.File("x"), [("strided", strided), ("broadcast", ones(1, 3).expand(4, 3))]);
        using var file = SafetensorsFile.Open(folder.File("x"));
        Assert.Equal(strided.contiguous().data<float>().ToArray(), file.Read("strided").data<float>().ToArray());
        Assert.Equal(12f, file.Read("broadcast").sum().item<float>());
    }

    [Fact]
    public void TheBytesFollowTheFormatAndDoNotDependOnOrder()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var half = tensor(new[] { 1f }).to(float16);
        var floats = tensor(new[] { 1f, 2f });
        var notes = new Dictionary<string, string> { ["z"] = "last", ["format"] = "pt" };
        SafetensorsFile.Save(folder.File("a"), [("half", half), ("y", floats), ("x", floats)], notes);
        SafetensorsFile.Save(folder.File("b"), [("x", floats), ("y", floats), ("half", half)], new SortedDictionary<string, string>(notes));

        var bytes = File.ReadAllBytes(folder.File("a"));
        Assert.Equal(bytes, File.ReadAllBytes(folder.File("b")));
        var length = BitConverter.ToInt64(bytes, 0);
        Assert.Equal(0, length % 8);
        Assert.Equal(8 + length + 18, bytes.Length);
        const string Expected =
            """{"__metadata__":{"format":"pt","z":"last"},"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"""
            + "\"y\":" + """{"dtype":"F32","shape":[2],"data_offsets":[8,16]},"half":{"dtype":"F16","shape":[1],"data_offsets":[16,18]}}""";
        Assert.Equal(Expected, Encoding.UTF8.GetString(bytes, 8, (int)length).TrimEnd(' '));
        Assert.Equal([0x00, 0x3C], bytes[^2..]); // 1 in half precision
    }

    [Fact]
    public void MetadataAndUnusualNamesComeBack()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        const string Name = "weight \"ü\" \\ 重み";
        SafetensorsFile.Save(folder.File("x"), [(Name, ones(2))], new Dictionary<string, string> { [Name] = "π\n" });
        using var file = SafetensorsFile.Open(folder.File("x"));
        Assert.Equal([Name], file.Keys);
        Assert.Equal("π\n", file.Metadata[Name]);
        Assert.True(file.Contains(Name));
    }

    [Fact]
    public void AnyByteOfABoolIsReadAsTrueOrFalse()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        HostileSafetensorsTests.Write(folder.File("x"), """{"x":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}}""", [0, 1, 7]);
        using var file = SafetensorsFile.Open(folder.File("x"));
        Assert.Equal([0, 1, 1], file.Read("x").bytes.ToArray());
    }

    [Fact]
    public void AWriteThatFailsHalfwayLeavesTheOldFileAndNothingElse()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var path = folder.File("x.safetensors");
        SafetensorsFile.Save(path, [("x", ones(2))]);
        var before = File.ReadAllBytes(path);
        Assert.Throws<IOException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write(before.AsSpan(0, 10));
            throw new IOException("no space");
        }));
        Assert.Equal(before, File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void ASaveReplacesTheFile()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        SafetensorsFile.Save(folder.File("x"), [("x", ones(200))]);
        SafetensorsFile.Save(folder.File("x"), [("x", zeros(2))]);
        using var file = SafetensorsFile.Open(folder.File("x"));
        Assert.Equal([0f, 0f], file.Read("x").data<float>().ToArray());
    }

    [Fact]
    public void SavingRefusesWhatTheFormatCannotHold()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        string Fault(params (string, Tensor)[] tensors) =>
            Assert.Throws<ArgumentException>(() => SafetensorsFile.Save(folder.File("x"), tensors)).Message;
        Assert.Contains("Two tensors are named 'x'", Fault(("x", ones(1)), ("x", ones(1))), StringComparison.Ordinal);
        Assert.Contains("__metadata__", Fault(("__metadata__", ones(1))), StringComparison.Ordinal);
        Assert.Contains("ComplexFloat32", Fault(("x", ones(1, dtype: complex64))), StringComparison.Ordinal);
        Assert.Contains("meta", Fault(("x", ones(1, device: META))), StringComparison.Ordinal);
        Assert.Contains("null", Fault(("x", null!)), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void ReadingNamesTheFileAndTheMissingTensor()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        SafetensorsFile.Save(folder.File("x"), [("x", ones(1))]);
        using var file = SafetensorsFile.Open(folder.File("x"));
        var error = Assert.Throws<KeyNotFoundException>(() => file.Read("y"));
        Assert.Contains($"'{folder.File("x")}' has no tensor 'y'", error.Message, StringComparison.Ordinal);
        Assert.Throws<KeyNotFoundException>(() => file.Shape("y"));
        Assert.Throws<KeyNotFoundException>(() => file.DType("y"));
        Assert.False(file.Contains("y"));
    }

    [Fact]
    public void AClosedFileCannotBeRead()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        SafetensorsFile.Save(folder.File("x"), [("x", ones(1))]);
        var file = SafetensorsFile.Open(folder.File("x"));
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.Read("x"));
    }

    [Fact]
    public void AFileThatShrinksWhileOpenIsAnError()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        SafetensorsFile.Save(folder.File("x"), [("x", ones(100_000))]);
        using var file = SafetensorsFile.Open(folder.File("x"));
        using (var writer = new FileStream(folder.File("x"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) writer.SetLength(1000);
        Assert.Contains("truncated", Assert.Throws<InvalidDataException>(() => file.Read("x")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ThreadsReadOneFileTogether()
    {
        using var folder = new TemporaryFolder();
        using (NewDisposeScope())
            SafetensorsFile.Save(folder.File("x"), Enumerable.Range(0, 20).Select(i => ($"x{i}", full(1000, (float)i))));
        using var file = SafetensorsFile.Open(folder.File("x"));
        Parallel.For(0, 200, i =>
        {
            using var x = file.Read($"x{i % 20}");
            using var sum = x.sum();
            Assert.Equal(1000f * (i % 20), sum.item<float>());
        });
    }
}
