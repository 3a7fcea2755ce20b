using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Diffusion.Data;

/// <summary>Splits a set into parts that have no sample in common.</summary>
public static class DataSplit
{
    private const int SamplesARead = 256;

    /// <summary>
    /// Splits by content: samples are sorted by the SHA-256 hash of their values and dealt out in that order. The split needs no
    /// seed, is the same on every machine and whatever the order of the file, and identical samples go to the same part, so that nothing
    /// a model was trained on is met again when it is tested. Labels do not enter the hash.
    /// </summary>
    /// <param name="source">The set; borrowed by the parts. It is read once, a few hundred samples at a time.</param>
    /// <param name="counts">Size of each part, each at least 1. What the sizes leave over is in no part.</param>
    /// <returns>The parts, each in the order of the source.</returns>
    /// <exception cref="ArgumentException">There is no size, one is below 1, or together they exceed the set.</exception>
    /// <exception cref="InvalidOperationException">Repeated samples make these exact sizes impossible.</exception>
    public static IReadOnlyList<Subset> ByHash(DataSet source, params ReadOnlySpan<long> counts)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (counts.IsEmpty) throw new ArgumentException("No part was asked for; give the size of each.", nameof(counts));
        UInt128 total = 0;
        foreach (var count in counts)
        {
            if (count < 1) throw new ArgumentException($"A part of {count} samples was asked for; each needs at least one.", nameof(counts));
            total += (ulong)count;
        }
        if (total > (ulong)source.Count)
            throw new ArgumentException($"The parts have {total} samples together; the set has {source.Count}.", nameof(counts));

        var parts = new List<long>[counts.Length];
        for (var p = 0; p < parts.Length; p++) parts[p] = new List<long>();
        foreach (var repeated in Hashes(source).GroupBy(sample => sample.Hash).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            var indices = repeated.Select(sample => sample.Index).ToList();
            for (var p = 0; p < parts.Length; p++)
            {
                if (parts[p].Count + indices.Count > counts[p]) continue;
                parts[p].AddRange(indices);
                break;
            }
        }
        for (var p = 0; p < parts.Length; p++)
            if (parts[p].Count != counts[p])
                throw new InvalidOperationException(
                    $"Part {p} was to have {counts[p]} samples, but repeated samples, which stay together, leave it {parts[p].Count}. "
                    + "Choose sizes that leave some samples over.");
        foreach (var part in parts) part.Sort();
        return [.. parts.Select(part => new Subset(source, CollectionsMarshal.AsSpan(part)))];
    }

    private static IEnumerable<(string Hash, long Index)> Hashes(DataSet source)
    {
        var sampleSize = source.SampleSize;
        var data = new float[SamplesARead * sampleSize];
        var labels = new long[source.ClassCount is null ? 0 : SamplesARead];
        for (long start = 0; start < source.Count; start += SamplesARead)
        {
            var indices = new long[Math.Min(SamplesARead, source.Count - start)];
            for (var k = 0; k < indices.Length; k++) indices[k] = start + k;
            source.ReadInto(indices, data.AsSpan(0, indices.Length * sampleSize), labels.AsSpan(0, Math.Min(labels.Length, indices.Length)));
            for (var k = 0; k < indices.Length; k++)
            {
                var bytes = MemoryMarshal.AsBytes(data.AsSpan(k * sampleSize, sampleSize));
                yield return (Convert.ToHexString(SHA256.HashData(bytes)), indices[k]);
            }
        }
    }
}
