using System.Text.Json;
using Diffusion.Checkpoints;
using Diffusion.Parity;
using Xunit;

namespace Diffusion.Tests.Golden;

/// <summary>The parity command itself: it sees a single wrong number, and says so by its exit code.</summary>
public class ParityCommandTests
{
    [Theory]
    [InlineData("DDIMScheduler", 1)]
    [InlineData("DDPMScheduler", 2)]
    [InlineData("DDIMInverseScheduler", 3)]
    [InlineData("UnCLIPScheduler", 4)]
    [InlineData("RePaintScheduler", 6)]
    public void OneElementTenTolerancesOffFailsExactlyItsCase(string scheduler, long seed)
    {
        var original = Shared.Require($"golden/schedulers/{scheduler}");
        var random = new HostRandom(seed);
        for (var trial = 0; trial < 3; trial++)
        {
            using var copy = new TemporaryFolder();
            var broken = $"{new DirectoryInfo(copy.Path).Name}/{CopyWithOneElementOff(original, copy.Path, random)}";
            foreach (var result in Replay.Find(copy.Path).Select(recorded => recorded.Run()))
                Assert.True(result.Verdict == (result.Name == broken ? Verdict.Failed : Verdict.Passed), $"{broken} is broken; {result}");
        }
    }

    [Fact]
    public void TheExitCodeCountsFailuresAndOnDemandTheUnsupported()
    {
        var golden = Shared.Require("golden");
        using var copy = new TemporaryFolder();
        var folder = Directory.CreateDirectory(copy.File("schedulers/DDIMInverseScheduler")).FullName;
        CopyWithOneElementOff(Path.Combine(golden, "schedulers/DDIMInverseScheduler"), folder, new HostRandom(5));
        var report = new StringWriter();
        Assert.Equal(1, Replay.Run(copy.Path, requireAll: false, report));
        Assert.Equal("passed 2, failed 1, unsupported 0", report.ToString().TrimEnd().Split(Environment.NewLine)[^1]);

        File.Copy(Path.Combine(golden, "schedulers/DDIMInverseScheduler/data.safetensors"), Path.Combine(folder, "data.safetensors"), overwrite: true);
        Assert.Equal(0, Replay.Run(copy.Path, requireAll: true, TextWriter.Null));
        var tokenizer = Directory.CreateDirectory(copy.File("tokenizers")).FullName;
        File.WriteAllText(Path.Combine(tokenizer, "cases.json"), "{}");
        Assert.Equal(0, Replay.Run(copy.Path, requireAll: false, TextWriter.Null));
        Assert.Equal(1, Replay.Run(copy.Path, requireAll: true, TextWriter.Null));
    }

    [Fact]
    public void AFolderWithoutCasesIsNoSuccess()
    {
        using var empty = new TemporaryFolder();
        Assert.Equal(2, Replay.Run(empty.Path, requireAll: false, TextWriter.Null));
    }

    [Fact]
    public void AFolderThatCannotBeReadIsAFailedCase()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("manifest.json"), """{"scheduler": "DDIMScheduler", "cases": 3}""");
        Assert.Equal(Verdict.Failed, Assert.Single(Replay.Find(folder.Path)).Run().Verdict);
    }

    // Copies a recorded scheduler with one element of one case's samples moved by ten times its tolerance; returns the id of the case.
    private static string CopyWithOneElementOff(string original, string target, HostRandom random)
    {
        using var scope = NewDisposeScope();
        File.Copy(Path.Combine(original, "manifest.json"), Path.Combine(target, "manifest.json"), overwrite: true);
        using var manifest = JsonDocument.Parse(File.ReadAllText(Path.Combine(original, "manifest.json")));
        var cases = manifest.RootElement.GetProperty("cases");
        var chosen = cases[(int)random.NextInteger(cases.GetArrayLength())];
        var name = chosen.GetProperty("tensors").GetProperty("samples").GetString()!;
        using var file = SafetensorsFile.Open(Path.Combine(original, "data.safetensors"));
        var tensors = file.Keys.ToDictionary(key => key, key => file.Read(key));
        var step = tensors[name].select(0, random.NextInteger(tensors[name].shape[0]));
        var tolerance = Tolerances.Sample(manifest.RootElement.GetProperty("scheduler").GetString()!, chosen.GetProperty("config"), hasSigmas: false)
            * Math.Max(1, step.abs().max().item<float>());
        step.view(-1).narrow(0, random.NextInteger(step.numel()), 1).add_(random.NextDouble() < 0.5 ? 10 * tolerance : -10 * tolerance); // a view: changes the copy
        SafetensorsFile.Save(Path.Combine(target, "data.safetensors"), tensors.Select(pair => (pair.Key, pair.Value)));
        return chosen.GetProperty("id").GetString()!;
    }
}
