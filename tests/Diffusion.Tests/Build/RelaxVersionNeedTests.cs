using Xunit;

namespace Diffusion.Tests.Build;

public sealed class RelaxVersionNeedTests : IDisposable
{
    private const string Newer = "GLIBCXX_3.4.32";
    private readonly RelaxedCopies copies = new();

    public void Dispose() => copies.Dispose();

    [Theory]
    [InlineData("NativeCopyLocalItems")]
    [InlineData("RuntimeTargetsCopyLocalItems")]
    public void TheNeedIsMadeWeakInACopyWhereItIsNotUsed(string itemType)
    {
        byte[] unused = ElfImage.Make(Newer, relocatedSymbol: 1, out int flags);
        byte[] used = ElfImage.Make(Newer, relocatedSymbol: 2, out _);
        byte[] absent = ElfImage.Make("GLIBCXX_3.4.31", relocatedSymbol: 1, out _);
        copies.Write("unused", unused);
        copies.Write("used", used);
        copies.Write("absent", absent);

        var items = copies.Run(itemType, ["unused", "used", "absent"]);

        Assert.Equal(["absent", "other", "unused", "used"], items.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(copies.PathOf("used"), items["used"].Path);
        Assert.Equal(copies.PathOf("absent"), items["absent"].Path);
        Assert.NotEqual(copies.PathOf("unused"), items["unused"].Path);
        Assert.All(["unused", "used", "absent"], name => Assert.Equal($"sub/{name}/libLibTorchSharp.so", items[name].Destination));

        byte[] expected = [.. unused];
        expected[flags] = 2;
        Assert.Equal(expected, File.ReadAllBytes(items["unused"].Path));
        Assert.Equal(unused, File.ReadAllBytes(copies.PathOf("unused")));
        Assert.DoesNotContain("warning", copies.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void ASecondBuildWritesNothing()
    {
        copies.Write("unused", ElfImage.Make(Newer, relocatedSymbol: 1, out _));
        copies.Write("absent", ElfImage.Make("GLIBCXX_3.4.31", relocatedSymbol: 1, out _));
        var first = copies.Run("NativeCopyLocalItems", ["unused", "absent"]);
        var made = copies.Made;
        Assert.Equal(3, made.Count); // two stamps and one copy
        Assert.Equal(first, copies.Run("NativeCopyLocalItems", ["unused", "absent"]));
        Assert.Equal(made, copies.Made);
    }

    [Fact]
    public void AnotherVersionOfTheLibraryGetsItsOwnCopyAlsoWhenItIsOlder()
    {
        copies.Write("1.0", ElfImage.Make(Newer, relocatedSymbol: 1, out _));
        byte[] other = ElfImage.Make(Newer, relocatedSymbol: 0, out _);
        File.SetLastWriteTimeUtc(copies.Write("0.9", other), DateTime.UtcNow.AddYears(-1));
        string newer = copies.Run("NativeCopyLocalItems", ["1.0"])["1.0"].Path;
        string older = copies.Run("NativeCopyLocalItems", ["0.9"])["0.9"].Path;
        Assert.NotEqual(newer, older);
        Assert.Equal(1, other.Zip(File.ReadAllBytes(older)).Count(pair => pair.First != pair.Second));
    }

    [Fact]
    public void OnePropertySwitchesItOff()
    {
        string source = copies.Write("unused", ElfImage.Make(Newer, relocatedSymbol: 1, out _));
        Assert.Equal(source, copies.Run("NativeCopyLocalItems", ["unused"], "-p:DiffusionRelaxTorchSharp=false")["unused"].Path);
    }

    [Fact]
    public void FilesThatAreNoSuchLibraryPassThroughWithAWarning()
    {
        copies.Write("empty", []);
        copies.Write("text", "version https://git-lfs.github.com/spec/v1\n"u8.ToArray());
        copies.Write("elf32", [0x7f, (byte)'E', (byte)'L', (byte)'F', 1, 1, 1, .. new byte[57]]);
        copies.Write("noSections", [0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1, .. new byte[57]]);
        string[] names = ["empty", "text", "elf32", "noSections"];
        var items = copies.Run("NativeCopyLocalItems", names);
        Assert.All(names, name =>
        {
            Assert.Equal(copies.PathOf(name), items[name].Path);
            Assert.Contains($"{copies.PathOf(name)} : warning DIFFUSION0001", copies.Output, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void DamagedLibrariesNeverFailTheBuildAndAtMostOneFlagIsChanged()
    {
        byte[] whole = ElfImage.Make(Newer, relocatedSymbol: 1, out _);
        var random = new Random(1);
        var cases = new Dictionary<string, byte[]>();
        for (int length = 0; length < whole.Length; length += 9)
        {
            cases[$"cut{length}"] = whole[..length];
        }

        for (int i = 0; i < 150; i++)
        {
            byte[] damaged = [.. whole];
            for (int n = 0; n < 1 + i % 3; n++)
            {
                damaged[random.Next(6, damaged.Length)] = (byte)(random.Next(2) == 0 ? 0xff : random.Next(256));
            }

            cases[$"damaged{i}"] = damaged;
        }

        foreach ((string name, byte[] content) in cases)
        {
            copies.Write(name, content);
        }

        var items = copies.Run("NativeCopyLocalItems", cases.Keys); // fails the test if the build fails

        foreach ((string name, byte[] content) in cases)
        {
            byte[] result = File.ReadAllBytes(items[name].Path);
            Assert.Equal(content.Length, result.Length);
            int[] changed = [.. Enumerable.Range(0, content.Length).Where(i => content[i] != result[i])];
            Assert.True(changed.Length == 0 || (changed.Length == 1 && (content[changed[0]] | 2) == result[changed[0]]), $"{name}: {changed.Length} bytes differ");
            Assert.True(changed.Length == 0 || !name.StartsWith("cut", StringComparison.Ordinal), $"{name} was taken for a whole library");
        }
    }
}
