using System.Buffers.Binary;
using System.Text.Json;
using Diffusion.Training;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Diffusion.Tests.Training;

public class ProgressSinkTests
{
    private static TrainingProgress Report(long step, double loss = 0.5) =>
        new(step, 100, loss, 1.25, 1e-3, 640, TimeSpan.FromSeconds(step), TimeSpan.FromSeconds(100 - step))
        {
            Buckets = [new LossBucket(0, 0.1, 3, 0.75, 0.25), new LossBucket(0.9, 1, 5, 0.125, null)],
        };

    private static NonFiniteStep Failure { get; } = new(7, double.NaN, double.NaN, "mid.conv", null, "The first output that is not finite is that of 'mid.conv'.");

    [Fact]
    public void JsonLinesHoldEveryNumber()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "runs", "metrics.jsonl");
        using (var sink = new JsonLinesProgress(path))
        {
            sink.Report(Report(10));
            sink.Report(Report(20, double.NaN) with { Skipped = 2, NonFinite = Failure });
        }

        var lines = File.ReadAllLines(path);
        Assert.Equal("""{"step":10,"steps":100,"loss":0.5,"gradientNorm":1.25,"learningRate":0.001,"samplesPerSecond":640,"elapsedSeconds":10,"remainingSeconds":90,"skipped":0,"buckets":[{"from":0,"to":0.1,"samples":3,"loss":0.75,"floor":0.25},{"from":0.9,"to":1,"samples":5,"loss":0.125,"floor":null}]}""", lines[0]);
        using var second = JsonDocument.Parse(lines[1]);
        Assert.Equal(JsonValueKind.Null, second.RootElement.GetProperty("loss").ValueKind);
        Assert.Equal("mid.conv", second.RootElement.GetProperty("nonFinite").GetProperty("module").GetString());
        Assert.Equal(2, lines.Length);
    }

    // A run that is killed at 57 and resumes from 40 takes the steps 50 and on again.
    [Fact]
    public void AResumedRunWritesEveryStepOnce()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "metrics.jsonl");
        using (var killed = new JsonLinesProgress(path))
            for (var step = 10; step <= 50; step += 10) killed.Report(Report(step));
        File.AppendAllText(path, "{\"step\":60,\"lo"); // it was writing this
        using (var resumed = new JsonLinesProgress(path))
        {
            Assert.Equal(5, File.ReadAllLines(path).Length); // the torn line is gone at once
            for (var step = 50; step <= 80; step += 10) resumed.Report(Report(step, 0.25));
        }

        var steps = File.ReadAllLines(path).Select(line => (Step: JsonDocument.Parse(line).RootElement.GetProperty("step").GetInt64(), Loss: JsonDocument.Parse(line).RootElement.GetProperty("loss").GetDouble()));
        Assert.Equal([(10L, 0.5), (20, 0.5), (30, 0.5), (40, 0.5), (50, 0.25), (60, 0.25), (70, 0.25), (80, 0.25)], steps);
    }

    [Fact]
    public void AForeignFileIsRefusedAndLeftAlone()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "notes.txt");
        foreach (var content in new[] { "my notes\n", "my notes", "{\"a\":1}\n", "[1]\n" })
        {
            File.WriteAllText(path, content);
            Assert.Contains("notes.txt", Assert.Throws<InvalidDataException>(() => new JsonLinesProgress(path)).Message, StringComparison.Ordinal);
            Assert.Equal(content, File.ReadAllText(path));
        }
    }

    [Fact]
    public void TensorBoardReadsWhatWasReported()
    {
        using var folder = new TemporaryFolder();
        using (var sink = new TensorBoardProgress(folder.Path))
        {
            sink.Report(Report(10));
            sink.Report(Report(20, 0.25));
        }

        using (var resumed = new TensorBoardProgress(folder.Path)) resumed.Report(Report(20, 0.125));
        var files = Directory.GetFiles(folder.Path).Order(StringComparer.Ordinal).ToArray();
        Assert.Equal(2, files.Length);
        Assert.All(files, file => Assert.StartsWith("events.out.tfevents.", Path.GetFileName(file), StringComparison.Ordinal));

        // Read with TorchSharp's own classes of the protocol, which the writer does not use.
        var first = Records(files[0]).Select(Tensorboard.Event.Parser.ParseFrom).ToArray();
        Assert.Equal("brain.Event:2", first[0].FileVersion);
        Assert.Equal((Tensorboard.SessionLog.Types.SessionStatus.Start, 10L), (first[1].SessionLog.Status, first[1].Step));
        Assert.Equal([10L, 20], first[2..].Select(e => e.Step));
        var values = first[2].Summary.Value.ToDictionary(v => v.Tag, v => v.SimpleValue);
        Assert.Equal(
            ["floor_by_time/0-0.1", "loss_by_time/0-0.1", "loss_by_time/0.9-1", "train/gradient_norm", "train/learning_rate", "train/loss", "train/samples_per_second", "train/skipped_steps"],
            values.Keys.Order(StringComparer.Ordinal));
        Assert.Equal((0.5f, 0.001f, 0.25f), (values["train/loss"], values["train/learning_rate"], values["floor_by_time/0-0.1"]));
        Assert.InRange(first[2].WallTime, DateTimeOffset.UtcNow.ToUnixTimeSeconds() - 600, DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 1);

        // A start at step 20 makes TensorBoard drop 20 and later steps of the first file.
        var second = Records(files[1]).Select(Tensorboard.Event.Parser.ParseFrom).ToArray();
        Assert.Equal((Tensorboard.SessionLog.Types.SessionStatus.Start, 20L), (second[1].SessionLog.Status, second[1].Step));
        Assert.Equal(0.125f, second[2].Summary.Value.Single(v => v.Tag == "train/loss").SimpleValue);
    }

    [Fact]
    public void ChecksumsAreThePublishedOnes()
    {
        // RFC 3720, appendix B.4: CRC-32C of 32 zeros is 8A9136AA, of "123456789" E3069283; the mask is that of TensorFlow's crc32c.h.
        Assert.Equal(Mask(0x8A9136AA), TensorBoardFile.MaskedChecksum(new byte[32]));
        Assert.Equal(Mask(0xE3069283), TensorBoardFile.MaskedChecksum("123456789"u8));
        static uint Mask(uint crc) => unchecked(((crc >> 15) | (crc << 17)) + 0xa282ead8);
    }

    [Fact]
    public void LoggersAreToldAndWarned()
    {
        var logger = new Recorder();
        var sink = new CombinedProgress(new LoggerProgress(logger), new LoggerProgress(logger));
        sink.Report(Report(10) with { Skipped = 1, NonFinite = Failure });
        Assert.Equal(8, logger.Lines.Count); // each tells the step, two buckets and the failure
        Assert.Equal("Information Step 10: loss 0.5, gradient norm 1.25, learning rate 0.001, 640.0 samples/s", logger.Lines[0]);
        Assert.StartsWith("Debug Step 10: loss 0.75 at times 0 to 0.1 (floor 0.25, 3 samples)", logger.Lines[1], StringComparison.Ordinal);
        Assert.StartsWith("Warning Step 7 was not finite (module mid.conv,", logger.Lines[3], StringComparison.Ordinal);
    }

    [Fact]
    public void BadArgumentsAreRefused()
    {
        Assert.Throws<ArgumentNullException>(() => new LoggerProgress(null!));
        Assert.Throws<ArgumentNullException>(() => new CombinedProgress(null!));
        Assert.Throws<ArgumentException>(() => new CombinedProgress([null!]));
        Assert.Throws<ArgumentException>(() => new JsonLinesProgress(""));
        Assert.Throws<ArgumentException>(() => new TensorBoardProgress(""));
        Assert.Throws<ArgumentNullException>(() => new TrainingDivergedException(null!));
    }

    // The frames of the format, checks verified.
    private static List<byte[]> Records(string path)
    {
        var bytes = File.ReadAllBytes(path);
        var records = new List<byte[]>();
        for (var at = 0; at < bytes.Length;)
        {
            var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at));
            Assert.Equal(TensorBoardFile.MaskedChecksum(bytes.AsSpan(at, 8)), BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 8)));
            var content = bytes[(at + 12)..(at + 12 + length)];
            Assert.Equal(TensorBoardFile.MaskedChecksum(content), BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 12 + length)));
            records.Add(content);
            at += length + 16;
        }

        return records;
    }

    private sealed class Recorder : ILogger
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add($"{logLevel} {formatter(state, exception)}");
    }
}
