using Diffusion.Data;
using Diffusion.Networks;
using Diffusion.Schedules;
using Diffusion.Training;

namespace Diffusion.Tests.Hostile;

/// <summary>A checkpoint of a training run. Whatever it holds, a run that refuses it must be as it was.</summary>
internal sealed class RunFormat() : HostileFormat("training run")
{
    private const string Record = "run.json";

    private static readonly string Folder = Path.Combine("checkpoints", "checkpoint-00000002");

    private static readonly JsonMutation Json = new("format", "step", "seed", "epoch", "batch", "optimizer", "adamW", "AdamW", "averageUpdates", "sampleShape", "elapsedSeconds");

    public override IReadOnlyDictionary<string, byte[]> Valid { get; } = Written(folder => Run(folder, run => run.Train()));

    public override long BytesBesides => 16 << 20;

    public override bool CountsTensors => false;

    public override IEnumerable<Dictionary<string, byte[]>> Directed
    {
        get
        {
            string[] lies =
            [
                "\"format\":2", "\"step\":-1", "\"step\":9223372036854775807", "\"elapsedSeconds\":-1", "\"elapsedSeconds\":1e300", "\"seed\":9", "\"optimizer\":\"Other\"", "\"averageUpdates\":[]", "\"averageUpdates\":[-1]",
                "\"accumulation\":7", "\"batchesPerEpoch\":70", "\"sampleShape\":[3]", "\"epoch\":-1", "\"batch\":100", "\"epoch\":9223372036854775807", "\"averageUpdates\":null", "\"optimizer\":null", "\"optimizer\":\"\\ud800\"",
            ];
            var text = System.Text.Encoding.UTF8.GetString(Valid[Path.Combine(Folder, Record)]);
            foreach (var lie in lies)
            {
                var record = System.Text.Json.Nodes.JsonNode.Parse(text)!.AsObject();
                record.Remove(lie.Split('"')[1]);
                yield return With(Path.Combine(Folder, Record), $"{record.ToJsonString()[..^1]},{lie}}}");
            }

            yield return With(Path.Combine(Folder, Record), "null");
            yield return With(Path.Combine(Folder, Record), "{");
            yield return With(Path.Combine(Folder, Record), text.Replace("{", "{\"step\":1,", StringComparison.Ordinal));
            yield return With(Path.Combine(Folder, Record), text + new string(' ', 17 << 20));
            foreach (var file in Valid.Keys.Where(key => key.StartsWith(Folder, StringComparison.Ordinal))) yield return Without(file);
            foreach (var file in Tensors(Valid.Keys))
                foreach (var other in Tensors(Valid.Keys).Where(other => other != file)) yield return With(file, Valid[other]);
            var optimizer = Tensors(Valid.Keys).Single(file => file.Contains("optimizer", StringComparison.Ordinal));
            yield return With(optimizer, Renamed(Valid[optimizer], "{", "{\"more\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},", once: true));
            // One tensor that the network does not have, one of another shape, and one of another type.
            foreach (var file in Tensors(Valid.Keys))
            {
                yield return With(file, Renamed(Valid[file], "weight\"", "weighd\""));
                yield return With(file, Renamed(Valid[file], "[8,8]", "[4,4]"));
                yield return With(file, Renamed(Valid[file], "\"F32\"", "\"I32\""));
            }
        }
    }

    public override long Load(string folder)
    {
        Run(folder, run =>
        {
            using var scope = NewDisposeScope();
            var before = run.Network.state_dict().Values.Select(value => value.clone()).ToArray();
            try
            {
                run.Resume();
                if (run.Step is < 0 or > 1L << 60) throw new OverflowException($"the run is at step {run.Step}, from which it cannot go on");
            }
            catch (Exception error) when (error is not OverflowException)
            {
                var same = run.Network.state_dict().Values.Zip(before).All(pair => pair.First.eq(pair.Second).all().item<bool>());
                if (!same || run.Step != 0 || run.Loader.Position != default || run.Elapsed != TimeSpan.Zero) throw new InvalidOperationException("a refused checkpoint has changed the run");
                throw;
            }
        });
        return 0;
    }

    public override void Distort(Dictionary<string, byte[]> files, Random random)
    {
        var record = Path.Combine(Folder, Record);
        if (random.Next(2) == 0) files[record] = Json.Apply(files[record], random);
        else
        {
            var tensors = Tensors(files.Keys);
            var name = tensors[random.Next(tensors.Length)];
            files[name] = SafetensorsFormat.Distort(files[name], random);
        }
    }

    private static void Run(string folder, Action<TrainingRun> use)
    {
        using var scope = NewDisposeScope();
        using var data = new TensorDataSet(arange(8, float32).view(4, 2));
        using var loader = new DataLoader(data, 2, new DataLoaderOptions { Prefetch = 0 });
        using var network = new Mlp(2, 8, 1);
        using var run = new TrainingRun(network, new DenoisingObjective(new RectifiedFlowSchedule(), Parameterization.Velocity()), loader, new TrainingSettings
        {
            Steps = 2,
            Averages = [AveragingRule.Constant(0.9)],
            CheckpointFolder = Path.Combine(folder, "checkpoints"),
        });
        use(run);
    }

    private static string[] Tensors(IEnumerable<string> names) => [.. names.Where(name => name.EndsWith(".safetensors", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    private static byte[] Renamed(byte[] file, string from, string to, bool once = false)
    {
        var length = (int)BitConverter.ToInt64(file);
        var header = System.Text.Encoding.UTF8.GetString(file, 8, length);
        var at = header.IndexOf(from, StringComparison.Ordinal);
        header = once && at >= 0 ? header[..at] + to + header[(at + from.Length)..] : header.Replace(from, to, StringComparison.Ordinal);
        return SafetensorsFormat.File(header, file[(8 + length)..]);
    }
}
