using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Diffusion.Data;

namespace Diffusion.Training;

/// <summary>
/// Walks noise to data by a trained flow and writes the pairs (x₀, x₁) to a file, batch by batch: the coupling that a reflow trains on. Pair k follows from (seed, k) alone, so generation that was
/// stopped or killed goes on to the same file. (Liu et al. 2022, section 2)
/// </summary>
/// <remarks>
/// <code>
/// var pairs = new PairGenerator([2], _ => denoiser, new HeunSampler(), TimeGrid.Uniform(denoiser.Schedule, 20)) { Seed = 1 };
/// pairs.Generate("pairs.bin", 50_000, progress, cancellationToken);
/// using var data = PairFileDataSet.Open("pairs.bin");
/// </code>
/// then train with <see cref="Coupling.Paired"/>. For one thread at a time as the network is.
/// </remarks>
public sealed class PairGenerator
{
    private readonly long[] _sampleShape;
    private readonly Func<Conditioning?, IDenoiser> _denoiser;
    private readonly Sampler _sampler;
    private readonly TimeGrid _grid;

    /// <summary>A generator of pairs.</summary>
    /// <param name="sampleShape">Shape of a sample without the batch axis.</param>
    /// <param name="denoiser">The flow under a condition: guided, if pairs are to be. Called in a scope that ends with the batch.</param>
    /// <param name="sampler">A solver of the flow.</param>
    /// <param name="grid">Its steps, from noise to data.</param>
    /// <exception cref="ArgumentException">A size is below 1.</exception>
    public PairGenerator(IReadOnlyList<long> sampleShape, Func<Conditioning?, IDenoiser> denoiser, Sampler sampler, TimeGrid grid)
    {
        ArgumentNullException.ThrowIfNull(sampleShape);
        ArgumentNullException.ThrowIfNull(denoiser);
        ArgumentNullException.ThrowIfNull(sampler);
        ArgumentNullException.ThrowIfNull(grid);
        if (sampleShape.Count == 0 || sampleShape.Any(n => n < 1)) throw new ArgumentException($"A sample has shape [{string.Join(", ", sampleShape)}]; one size or more, each at least 1, is needed.", nameof(sampleShape));
        (_sampleShape, _denoiser, _sampler, _grid) = ([.. sampleShape], denoiser, sampler, grid);
    }

    /// <summary>What the pairs follow from. Default 0.</summary>
    public long Seed { get; init; }

    /// <summary>Pairs that are drawn and written at once, at least 1. Default 100.</summary>
    public int BatchSize { get; init => field = value >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "A batch has at least one pair."); } = 100;

    /// <summary>Number of classes: pair k is of class k mod classes, and the condition says so. Null for none. Default null.</summary>
    public int? Classes { get; init => field = value is null or >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "There is at least one class; null is a model without classes."); }

    /// <summary>The label that stands for "no class", for guidance; <see cref="Classes"/> itself if null.</summary>
    public long? NullClass { get; init; }

    /// <summary>Where x₁ come from: sample k mod its size of a set, for flows between two kinds of data; null for standard normal noise. Borrowed. Default null.</summary>
    public DataSet? Starts { get; init; }

    /// <summary>Where the flow is walked; the CPU by default.</summary>
    public Device? Device { get; init; }

    /// <summary>Writes pairs until the file holds as many as it should, from wherever an earlier call stopped.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="count">Pairs in all, at least 1.</param>
    /// <param name="progress">Told after every batch.</param>
    /// <param name="cancellationToken">Looked at before every step of the sampler; what is complete stays on the disk.</param>
    /// <returns>Whether the file is complete or generation was cancelled.</returns>
    /// <exception cref="ArgumentException">The starts have another shape.</exception>
    /// <exception cref="InvalidDataException">The file is another one: of another seed, number, shape or number of classes, or its last pair does not follow from this flow.</exception>
    /// <exception cref="InvalidOperationException">The flow led to a sample that is not finite.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public TrainingOutcome Generate(string path, long count, IProgress<PairProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        if (Starts is { } starts && !starts.SampleShape.SequenceEqual(_sampleShape))
            throw new ArgumentException($"The starts have shape [{string.Join(", ", starts.SampleShape)}], the flow [{string.Join(", ", _sampleShape)}].");
        using var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        try
        {
            var header = Begin(file, path, new PairFileHeader(Seed, count, 0, Classes ?? 0, _sampleShape), cancellationToken);
            var (before, watch) = (header.Completed, Stopwatch.StartNew());
            while (header.Completed < count)
            {
                var size = (int)Math.Min(BatchSize, count - header.Completed);
                var records = Records(header, header.Completed, size, cancellationToken);
                file.Position = header.Offset(header.Completed);
                file.Write(records);
                file.Flush(flushToDisk: true); // the pairs before the number that vouches for them
                header = header with { Completed = header.Completed + size };
                WriteHeader(file, header);
                progress?.Report(new PairProgress(header.Completed, count, (header.Completed - before) / watch.Elapsed.TotalSeconds));
            }

            return TrainingOutcome.Completed;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return TrainingOutcome.Cancelled;
        }
    }

    private PairFileHeader Begin(FileStream file, string path, PairFileHeader wanted, CancellationToken cancellationToken)
    {
        var bytes = new byte[PairFileHeader.Size];
        if (file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
        {
            // Nothing yet, or not even a header.
            var there = (int)Math.Min(file.Length, PairFileHeader.Mark.Length);
            if (!bytes.AsSpan(0, there).SequenceEqual(PairFileHeader.Mark[..there])) throw new InvalidDataException($"'{path}' exists and is no file of pairs.");
            file.SetLength(0);
            WriteHeader(file, wanted);
            return wanted;
        }

        var found = PairFileHeader.Parse(bytes, path);
        if ((found.Seed, found.Count, found.Classes) != (wanted.Seed, wanted.Count, wanted.Classes) || !found.SampleShape.AsSpan().SequenceEqual(wanted.SampleShape))
            throw new InvalidDataException(
                $"'{path}' is to hold {found.Count} pairs [{string.Join(", ", found.SampleShape)}] of {found.Classes} classes from seed {found.Seed}; asked for are {wanted.Count} [{string.Join(", ", wanted.SampleShape)}] of {wanted.Classes} from seed {wanted.Seed}. Name another file.");
        if (file.Length < found.Offset(found.Completed)) throw new InvalidDataException($"'{path}' is cut off: {found.Completed} pairs should be in it, but it has {file.Length} bytes.");
        if (found.Completed > 0) CheckLast(file, path, found, cancellationToken);
        if (found.Completed < found.Count) file.SetLength(found.Offset(found.Completed)); // less what was being written when the process ended
        return found;
    }

    // The last pair anew: another model, sampler or guidance would silently write a mixture of two couplings.
    private void CheckLast(FileStream file, string path, PairFileHeader header, CancellationToken cancellationToken)
    {
        var (old, anew) = (new byte[header.RecordSize], Records(header, header.Completed - 1, 1, cancellationToken));
        file.Position = header.Offset(header.Completed - 1);
        file.ReadExactly(old);
        var skip = header.Classes > 0 ? 8 : 0;
        var a = MemoryMarshal.Cast<byte, float>(old.AsSpan(skip));
        var b = MemoryMarshal.Cast<byte, float>(anew.AsSpan(skip));
        var (difference, greatest) = (0.0, 1.0);
        for (var i = 0; i < a.Length; i++)
        {
            difference = Math.Max(difference, Math.Abs(a[i] - b[i]));
            greatest = Math.Max(greatest, Math.Abs(a[i]));
        }

        // Another batch size or machine rounds differently; another model differs by far more.
        if (!(difference <= 1e-2 * greatest))
            throw new InvalidDataException($"'{path}' was made by another flow: its last pair differs by {difference:g3} from what this one gives. Name another file, or use the model, sampler and guidance that it was begun with.");
    }

    private byte[] Records(PairFileHeader header, long first, int count, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.PerSample([.. Enumerable.Range(0, count).Select(k => HostRandom.Derive(Seed, first + k))]);
        var x1 = Start(first, count, noise);
        var labels = Classes is { } classes ? Array.ConvertAll([.. Enumerable.Range(0, count)], k => (first + k) % classes) : [];
        var condition = Classes is null ? null : Conditioning.ForClasses(labels, NullClass ?? Classes, Device);
        var x0 = _sampler.Sample(_denoiser(condition), x1, _grid, noise, cancellationToken: cancellationToken);
        if (!x0.shape.AsSpan().SequenceEqual(x1.shape)) throw new InvalidOperationException($"The flow led from [{string.Join(", ", x1.shape)}] to [{string.Join(", ", x0.shape)}].");
        if (!x0.isfinite().all().item<bool>()) throw new InvalidOperationException($"The flow led to a sample that is not finite, among the pairs {first} to {first + count - 1}.");
        var values = stack([x0, x1], 1).to(float32, CPU).contiguous().data<float>().ToArray();
        var bytes = new byte[count * header.RecordSize];
        var size = 2 * header.SampleSize;
        for (var k = 0; k < count; k++)
        {
            var record = bytes.AsSpan(k * header.RecordSize, header.RecordSize);
            if (labels.Length > 0) BinaryPrimitives.WriteInt64LittleEndian(record, labels[k]);
            MemoryMarshal.AsBytes(values.AsSpan(k * size, size)).CopyTo(record[(labels.Length > 0 ? 8 : 0)..]);
        }

        return bytes;
    }

    private Tensor Start(long first, int count, NoiseSource noise)
    {
        if (Starts is null) return noise.Next([count, .. _sampleShape], ScalarType.Float32, Device ?? CPU).mul(_grid.Start.Sigma);
        var batch = Starts.Get([.. Enumerable.Range(0, count).Select(k => (first + k) % Starts.Count)]);
        return Device is null ? batch.Data : batch.Data.to(Device);
    }

    private static void WriteHeader(FileStream file, PairFileHeader header)
    {
        file.Position = 0;
        file.Write(header.ToBytes());
        file.Flush(flushToDisk: true);
    }
}
