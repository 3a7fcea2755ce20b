using Xunit;

namespace Diffusion.Tests.Hostile;

/// <summary>
/// Files that somebody else has made. Whatever is in them, reading ends in time with what was asked for, or with an exception that names the file and the
/// fault; it takes no more memory than a multiple of the file's size and reads nothing outside its folder.
/// </summary>
public class HostileFilesTests
{
    private const int ManyMutations = 100_000;

    public static TheoryData<string> Formats => [.. HostileResults.Formats().Select(format => format.Name)];

    [Theory]
    [MemberData(nameof(Formats))]
    public void AMutatedFileIsReadOrRefusedInWords(string format)
    {
        var run = HostileResults.Ordinary[format];
        Assert.True(run.Faults.Count == 0, string.Join(Environment.NewLine, run.Faults));
        Assert.NotEmpty(run.Messages); // the mutations reach something
    }

    /// <remarks>Takes about five minutes; see "Tests that take long" in the README.</remarks>
    [Theory(Explicit = true)]
    [MemberData(nameof(Formats))]
    public void AHundredThousandMutatedFilesAreReadOrRefusedInWords(string format)
    {
        var formats = HostileResults.Formats();
        var run = HostileRun.Over(formats.Single(f => f.Name == format), 1_000_000, (ManyMutations + formats.Count - 1) / formats.Count);
        TestContext.Current.SendDiagnosticMessage($"{format}: {run.Accepted} accepted, {run.Messages.Count} different messages");
        Assert.True(run.Faults.Count == 0, string.Join(Environment.NewLine, run.Faults));
    }

    [Fact]
    public void AFaultOfAReaderIsSeen()
    {
        var run = HostileRun.Over(new CarelessFormat(), 0, 40);
        foreach (var fault in new[] { "IndexOutOfRangeException", "no file is named", "no fault is named", "bytes of managed memory", "bytes of tensors" })
            Assert.Contains(run.Faults, found => found.Contains(fault, StringComparison.Ordinal) && found.Contains("directed", StringComparison.Ordinal));
    }

    [Fact]
    public void TheSameSeedMakesTheSameFiles()
    {
        foreach (var format in HostileResults.Formats())
        {
            for (var seed = 0; seed < 6; seed++)
            {
                var (first, second) = (format.Mutated(seed), format.Mutated(seed));
                Assert.Equal(first.Keys, second.Keys);
                Assert.All(first, file => Assert.True(file.Value.AsSpan().SequenceEqual(second[file.Key])));
            }
        }
    }

    /// <summary>A reader with every fault that is looked for, by the first byte of its file.</summary>
    private sealed class CarelessFormat() : HostileFormat("careless")
    {
        public override IReadOnlyDictionary<string, byte[]> Valid { get; } = new Dictionary<string, byte[]> { ["file"] = [0] };

        public override IEnumerable<Dictionary<string, byte[]>> Directed => Enumerable.Range(1, 5).Select(fault => With("file", [(byte)fault]));

        public override long Load(string folder)
        {
            var path = Path.Combine(folder, "file");
            var bytes = File.ReadAllBytes(path);
            switch (bytes is [var first, ..] ? first : 0)
            {
                case 1: return bytes[bytes.Length];
                case 2: throw new InvalidDataException("The file is damaged in its second half.");
                case 3: throw new InvalidDataException($"'{path}': bad.");
                case 4: return new byte[10 << 20].Length / 10;
                case 5: return 10 << 20;
                default: return 0;
            }
        }

        public override void Distort(Dictionary<string, byte[]> files, Random random)
        {
        }
    }
}
