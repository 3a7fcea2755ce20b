using Xunit;

namespace Diffusion.Tests.Hostile;

/// <summary>Every sentence that a reader of files can say is said to some file of the ordinary run: a rule that never fires is a rule that nobody has tried.</summary>
public class ValidationRuleTests
{
    /// <summary>The readers, and what of them no file reaches, with the reason.</summary>
    private static readonly Dictionary<string, string[]> Exempt = new(StringComparer.Ordinal)
    {
        ["Diffusion/Checkpoints/SafetensorsHeader.cs"] = ["bytes early. Was it truncated while open?"], // needs another process at the right moment
        ["Diffusion/Checkpoints/ShardedSafetensors.cs"] = ["bytes; at most"], // an index of more than 100 MB
        ["Diffusion/Checkpoints/ConfigurationText.cs"] = [],
        ["Diffusion/Checkpoints/JsonSettings.cs"] = [],
        ["Diffusion/Checkpoints/ModelDescription.cs"] = [],
        ["Diffusion/Checkpoints/ScheduleFormat.cs"] = ["cannot be written to a file: only the library's own schedules have a name there. Save the network alone and make the schedule in code."], // writing
        ["Diffusion/Checkpoints/ParameterizationFormat.cs"] = [],
        ["Diffusion/Networks/ConfigReader.cs"] = [],
        ["Diffusion/Networks/UNetConfigJson.cs"] = [],
        ["Diffusion/Networks/UNetConfigRules.cs"] = ["; a UNet takes Timestep, Identity or none, a ConditionalUNet the others too."], // the name is refused before
        ["Diffusion/Networks/ConditionalUNetConfigReader.cs"] = [],
        ["Diffusion/Networks/ConditionalUNetRules.cs"] = ["; a ConditionalUNet takes Positional or Fourier."], // the name is refused before
        ["Diffusion/Checkpoints/Schedulers/ConfigKey.cs"] = [],
        ["Diffusion/Checkpoints/Schedulers/ConfigValues.cs"] = [],
        ["Diffusion/Checkpoints/Schedulers/SchedulerConfig.cs"] = ["scheduler configuration", "' belongs to other schedulers;"], // a name and a note
        ["Diffusion/Checkpoints/Schedulers/TrainedSchedule.cs"] = ["There is no beta schedule \"", "\", which is not known."], // the choice is refused before
        ["Diffusion/Checkpoints/Schedulers/FlowMatchHeunReader.cs"] = ["The published scheduler noises a batch in runs of one step only."], // said to who noises, not to who reads
        ["Diffusion/Checkpoints/Schedulers/PndmReader.cs"] = ["A Runge–Kutta step asks at timestep"], // needs more training steps and a certain number of steps
        ["Diffusion/Data/RecordFile.cs"] = ["' has become shorter while it was in use: nothing at byte"], // needs another process at the right moment
        ["Diffusion/Data/IdxDataSet.cs"] = ["There are class names but no file of labels.", ", but there are names for"], // names are an argument
        ["Diffusion/Data/Cifar10DataSet.cs"] = ["No file was given; at least one is needed."], // an argument
        ["Diffusion/Data/PairFileHeader.cs"] = ["axes do not fit into a file of pairs, which has room for"], // writing
        ["Diffusion/Data/PairFileDataSet.cs"] = [],
        ["Diffusion/Training/RunCheckpoint.cs"] = [],
        ["Diffusion.Imaging/ImageFile.cs"] =
        [
            "bytes; image files of at most", // a file of more than a gibibyte; the others are arguments, or about writing
            "The quality lies in 1 … 100.", "There is no such image format.", "takes at most", "image has 4 channels, but JPEG has no opacity: give 1 or 3, or use PNG or WebP.", "pixels could not be encoded as",
            "]; a floating tensor [1, 3 or 4, height, width] in [−1, 1] is needed.", "'; .png, .jpg, .jpeg or .webp is needed.", "An image has 1 (grey), 3 (colour) or 4 channels (with opacity).",
            "The most pixels that are decoded lie in 1 …",
        ],
        ["Diffusion/Networks/NetworkFolder.cs"] = ["; a floating-point type is needed."], // an argument
        ["Diffusion/Checkpoints/ModelFolder.cs"] = ["' is not the name of a variant.", "There is no folder '", "' exists: the folder holds a checkpoint in several files. Save to another folder or delete it first."], // arguments; writing
        ["Diffusion/Checkpoints/StateDict.cs"] = [],
        ["Diffusion/Training/PostHocAverages.cs"] = [", but the first average was stored at", "The module has no '"], // arguments
        ["Diffusion.Imaging/ImageHeader.cs"] = [],
        ["Diffusion.Imaging/PngHeader.cs"] = [],
        ["Diffusion.Imaging/JpegHeader.cs"] = [],
        ["Diffusion.Imaging/WebPHeader.cs"] = [],
    };

    public static TheoryData<string> Readers => [.. Exempt.Keys.Union(SchedulerReaders)];

    private static IEnumerable<string> SchedulerReaders =>
        new[] { "*Reader.cs", "TrainedSchedule.cs", "EdmSettings.cs", "SolverFamily.cs", "SolverLadder.cs", "DpmSolverForms.cs", "InverseLadder.cs" }
            .SelectMany(names => Directory.GetFiles(Repository.PathOf("src", "Diffusion", "Checkpoints", "Schedulers"), names))
            .Select(path => $"Diffusion/Checkpoints/Schedulers/{Path.GetFileName(path)}").Order(StringComparer.Ordinal);

    [Theory]
    [MemberData(nameof(Readers))]
    public void EveryRuleFires(string reader)
    {
        var messages = HostileResults.Ordinary.Values.SelectMany(run => run.Messages).ToArray();
        var exempt = Exempt.GetValueOrDefault(reader, []);
        var rules = ValidationRules.Of(reader.Split('/'));
        Assert.All(exempt, text => Assert.Contains(text, rules)); // an exemption outlives no rule
        var silent = rules.Except(exempt).Where(rule => !messages.Any(message => message.Contains(rule, StringComparison.Ordinal))).ToArray();
        Assert.True(silent.Length == 0, $"{reader} never said: {string.Join(" | ", silent)}");
    }

    [Fact]
    public void RulesAreFoundInTheSources()
    {
        var rules = ValidationRules.Of("Diffusion", "Checkpoints", "SafetensorsHeader.cs");
        Assert.Contains("is not described by a JSON object", rules);
        Assert.Contains("data offsets; two are needed", rules);
        Assert.True(rules.Count >= 18, string.Join(" | ", rules));
    }
}
