using Xunit;

namespace Diffusion.Tests.Guide;

/// <summary>The speeds that the guide tells are those of the table of the benchmarks.</summary>
public class SpeedFigureTests
{
    [Fact]
    public void TheGuideTellsTheMeasuredTimes()
    {
        var measured = Rows(Repository.PathOf("benchmarks", "README.md"));
        var told = Rows(Repository.PathOf("docs", "guide", "speed.md")).SkipWhile(row => !row.SequenceEqual(["work", "plain TorchSharp", "float32", "bfloat16"])).Skip(2).TakeWhile(row => row.Length == 4).ToArray();
        Assert.Equal(4, told.Length);
        foreach (var row in told)
        {
            // There: work, network, plain, float32, ratio, bfloat16, ratio.
            var same = Assert.Single(measured, candidate => candidate.Length == 7 && candidate[0] == row[0] && candidate[1] == "cifar10");
            Assert.Equal([same[2], same[3], same[5]], row[1..]);
        }
    }

    private static string[][] Rows(string file) => [.. File.ReadLines(file).Select(line => line.StartsWith('|') ? line.Trim('|').Split('|').Select(cell => cell.Trim()).ToArray() : [])];
}
