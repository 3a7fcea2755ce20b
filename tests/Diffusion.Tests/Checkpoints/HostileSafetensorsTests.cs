using System.Text;
using Diffusion.Checkpoints;
using Xunit;

namespace Diffusion.Tests.Checkpoints;

/// <summary>One file for each rule of the format that breaks that rule and no other.</summary>
public class HostileSafetensorsTests
{
    private const string X = """ "x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]} """;

    internal static void Write(string path, string header, byte[] data)
    {
        using var stream = File.Create(path);
        var text = Encoding.UTF8.GetBytes(header);
        stream.Write(BitConverter.GetBytes((long)text.Length));
        stream.Write(text);
        stream.Write(data);
    }

    public static TheoryData<string, int, string> Headers => new()
    {
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},}""", 8, "JSON" },
        { $"{{{X},{X}}}", 8, "'x'" },
        { """{"x":{"dtype":"F32","dtype":"I32","shape":[2],"data_offsets":[0,8]}}""", 8, "dtype" },
        { """{"__metadata__":{"a":"1","a":"2"}}""", 0, "'a'" },
        { """["x"]""", 0, "JSON object" },
        { $" {{{X}}}", 8, "JSON object" },
        { "", 0, "JSON object" },
        { $"{{{X}}} x", 8, "JSON" },
        { $"{{{X}/* note */}}", 8, "JSON" },
        { """{"x":[[[[[[[[[[0]]]]]]]]]]}""", 0, "JSON" },
        { """{"\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, "JSON" },
        { """{"x":1}""", 0, "'x' is not described by a JSON object" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"stride":[1]}}""", 8, "'x' has an unknown property 'stride'" },
        { """{"x":{"shape":[2],"data_offsets":[0,8]}}""", 8, "'x' has no dtype" },
        { """{"x":{"dtype":4,"shape":[2],"data_offsets":[0,8]}}""", 8, "'x' has no dtype" },
        { """{"x":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}}""", 8, "'x' has dtype 'F8_E4M3'; supported are BOOL, U8" },
        { """{"x":{"dtype":"f32","shape":[2],"data_offsets":[0,8]}}""", 8, "'x' has dtype 'f32'" },
        { """{"x":{"dtype":"F32","data_offsets":[0,8]}}""", 8, "'x' has no shape" },
        { """{"x":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}""", 8, "'x' has no shape" },
        { """{"x":{"dtype":"F32","shape":[-1,-2],"data_offsets":[0,8]}}""", 8, "'x' has -1 in shape" },
        { """{"x":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}""", 8, "'x' has 2.0 in shape" },
        { """{"x":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}""", 8, "'x' has \"2\" in shape" },
        { """{"x":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}}""", 8, "in shape" },
        { """{"x":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}""", 0, "overflows" },
        { """{"x":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}""", 0, "overflows" },
        { $$$"""{"x":{"dtype":"F32","shape":[{{{string.Join(',', Enumerable.Repeat(1, 65))}}}],"data_offsets":[0,4]}}""", 4, "65 dimensions" },
        { """{"x":{"dtype":"F32","shape":[2]}}""", 8, "'x' has no data_offsets" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4,8]}}""", 8, "'x' has 3 data offsets" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}""", 8, "'x' has -8 in data_offsets" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8, "'x' claims the bytes 8 to 0" },
        { """{"x":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}""", 8, "'x' claims the bytes 0 to 16 of 8" },
        { """{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "'x' has shape [3] of F32, 12 bytes, but 8" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12, "'y' begins at byte 4 of the data, inside another" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, "inside another" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}}""", 16, "'y' begins at byte 12 of the data, after a hole" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12, "'x' begins at byte 4 of the data, after a hole" },
        { $"{{{X}}}", 9, "end at byte 8 of the data, but 9" },
        { "{}", 1, "end at byte 0 of the data, but 1" },
        { """{"__metadata__":[]}""", 0, "'__metadata__' is not a JSON object" },
        { """{"__metadata__":{"step":1}}""", 0, "'step', which is not a string" },
    };

    [Theory]
    [MemberData(nameof(Headers))]
    public void ABrokenHeaderIsRefusedWithTheFileAndTheFault(string header, int dataLength, string fault)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("hostile.safetensors");
        Write(path, header, new byte[dataLength]);
        var error = Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(path));
        Assert.Contains($"'{path}'", error.Message, StringComparison.Ordinal);
        Assert.Contains(fault, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheSameFileWithoutAFaultOpens()
    {
        using var folder = new TemporaryFolder();
        Write(folder.File("x"), $"{{{X}}}   ", new byte[8]);
        using var file = SafetensorsFile.Open(folder.File("x"));
        Write(folder.File("empty"), "{}", []);
        using var empty = SafetensorsFile.Open(folder.File("empty"));
        Assert.Empty(empty.Keys);
    }

    [Theory]
    [InlineData(new byte[0], "0 bytes")]
    [InlineData(new byte[] { 2, 0, 0, 0 }, "4 bytes")]
    [InlineData(new byte[] { 3, 0, 0, 0, 0, 0, 0, 0, (byte)'{', (byte)'}' }, "only 2 follow")]
    [InlineData(new byte[] { 255, 255, 255, 255, 255, 255, 255, 255 }, "at most 100000000")]
    [InlineData(new byte[] { 1, 225, 245, 5, 0, 0, 0, 0 }, "at most 100000000")] // 100,000,001
    [InlineData(new byte[] { 2, 0, 0, 0, 0, 0, 0, 0, (byte)'{', 255 }, "UTF-8")]
    public void ABrokenPrefixIsRefused(byte[] content, string fault)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("x"), content);
        Assert.Contains(fault, Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(folder.File("x"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EveryTruncationOfAFileIsRefused()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        SafetensorsFile.Save(folder.File("x"), [("x", ones(4)), ("y", ones(2, dtype: int64))]);
        var whole = File.ReadAllBytes(folder.File("x"));
        for (var length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(folder.File("cut"), whole[..length]);
            Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(folder.File("cut")));
        }
    }

    [Fact]
    public void ARandomByteNeverDoesMoreThanThrow()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        SafetensorsFile.Save(folder.File("x"), [("x", ones(4)), ("y", ones(2, dtype: int64))], new Dictionary<string, string> { ["a"] = "b" });
        var whole = File.ReadAllBytes(folder.File("x"));
        var random = new Random(1);
        for (var i = 0; i < 500; i++)
        {
            var changed = (byte[])whole.Clone();
            changed[random.Next(changed.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(folder.File("changed"), changed);
            try
            {
                using var file = SafetensorsFile.Open(folder.File("changed"));
                foreach (var key in file.Keys) file.Read(key).Dispose();
            }
            catch (InvalidDataException)
            {
            }
        }
    }

    [Fact]
    public void AMissingFileIsNamed()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("none.safetensors", Assert.Throws<FileNotFoundException>(() => SafetensorsFile.Open(folder.File("none.safetensors"))).Message, StringComparison.Ordinal);
    }
}
