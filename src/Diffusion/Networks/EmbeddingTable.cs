using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>A trainable row for each of a fixed number of labels.</summary>
/// <remarks>
/// Labels outside the table are an exception on the CPU. On an accelerator, where looking at them would make the host wait
/// and where a bad index breaks the device for the whole process, they give a row of NaN.
/// </remarks>
internal sealed class EmbeddingTable : nn.Module<Tensor, Tensor>
{
    private readonly long _count;
    private readonly string _meaning;

    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    /// <param name="count">Number of rows.</param>
    /// <param name="width">Width of a row.</param>
    /// <param name="meaning">What the labels are, in the plural; for messages.</param>
    public EmbeddingTable(long count, long width, string meaning) : base(nameof(EmbeddingTable))
    {
        (_count, _meaning) = (count, meaning);
        _weight = nn.Parameter(randn(count, width));
        _weight.DetachFromDisposeScope();
        RegisterComponents();
    }

    /// <param name="labels">Whole numbers of any type, [batch].</param>
    public override Tensor forward(Tensor labels) // → [batch, width]
    {
        using var scope = NewDisposeScope();
        var bad = Outside(labels);
        if (labels.device_type != DeviceType.CPU) return Masked(labels, bad).MoveToOuterDisposeScope();
        if (bad.any().item<bool>())
        {
            var given = labels.masked_select(bad)[0].to(float64).item<double>();
            throw new ArgumentException($"One of the {_meaning} is {given}; whole numbers from 0 to {_count - 1} are needed.", nameof(labels));
        }
        return _weight[labels.to(int64)].MoveToOuterDisposeScope();
    }

    /// <summary>Which labels have no row, bool [batch].</summary>
    internal Tensor Outside(Tensor labels)
    {
        using var scope = NewDisposeScope();
        var rows = labels.to(int64);
        return rows.lt(0).logical_or(rows.ge(_count)).logical_or(rows.ne(labels)).MoveToOuterDisposeScope();
    }

    /// <summary>The rows, NaN where a label has none.</summary>
    internal Tensor Masked(Tensor labels, Tensor outside)
    {
        using var scope = NewDisposeScope();
        return _weight[labels.to(int64).masked_fill(outside, 0)].masked_fill(outside.unsqueeze(1), double.NaN).MoveToOuterDisposeScope();
    }
}
