using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Diffusion.Data;

/// <summary>Pairs of data and noise [2, …] from a file that a generator of pairs wrote, read from the disk as they are asked for: what a reflow and a distillation train on.</summary>
public sealed class PairFileDataSet : DataSet
{
    private readonly RecordFile _file;
    private readonly PairFileHeader _header;

    private PairFileDataSet(RecordFile file, PairFileHeader header) : base(header.Count, [2, .. header.SampleShape], header.Classes > 0 ? Numbered(header.Classes) : null) =>
        (_file, _header) = (file, header);

    /// <summary>Opens a finished file.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InvalidDataException">The file is no file of pairs, is damaged, or is not finished: generating goes on where it stopped.</exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    public static PairFileDataSet Open(string path)
    {
        PairFileHeader? header = null;
        var file = RecordFile.Open(path, PairFileHeader.Size, bytes =>
        {
            header = PairFileHeader.Parse(bytes, path);
            if (header.Completed < header.Count)
                throw new InvalidDataException($"'{path}' holds {header.Completed} of {header.Count} pairs; generate the others first, which goes on where it stopped.");
            return (UInt128)header.RecordSize * (ulong)header.Count + PairFileHeader.Size;
        });
        return new PairFileDataSet(file, header!);
    }

    /// <summary>The seed that the pairs follow from.</summary>
    public long Seed => _header.Seed;

    /// <inheritdoc/>
    protected override void Read(ReadOnlySpan<long> indices, Span<float> data, Span<long> labels)
    {
        Span<byte> label = stackalloc byte[8];
        for (var k = 0; k < indices.Length; k++)
        {
            var offset = _header.Offset(indices[k]);
            if (_header.Classes > 0)
            {
                _file.Read(offset, label);
                labels[k] = BinaryPrimitives.ReadInt64LittleEndian(label);
                if ((ulong)labels[k] >= (ulong)_header.Classes) throw new InvalidDataException($"'{_file.Path}' is damaged: pair {indices[k]} is of class {labels[k]}, but there are {_header.Classes}.");
                offset += label.Length;
            }

            _file.Read(offset, MemoryMarshal.AsBytes(data.Slice(k * SampleSize, SampleSize)));
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _file.Dispose();
        base.Dispose(disposing);
    }
}
