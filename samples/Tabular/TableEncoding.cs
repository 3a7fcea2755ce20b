using static TorchSharp.torch;

namespace Tabular;

/// <summary>
/// Rows of a table as vectors and back. A number is its normal score, beside it +1 or −1 for missing or not where any is missing. A category is one-hot in ±1, read back as the greatest: a
/// continuous model of discrete data, as for the atoms of molecules (Hoogeboom et al. 2022, section 3.3) and with bits in place of one-hot (Chen, Zhang and Hinton 2022).
/// </summary>
internal sealed class TableEncoding
{
    private readonly Table _seen;
    private readonly Dictionary<string, NormalScores> _scores;

    /// <param name="seen">The rows that distributions and categories are known by.</param>
    public TableEncoding(Table seen)
    {
        _seen = seen;
        _scores = seen.Columns.OfType<NumberColumn>().ToDictionary(column => column.Name, column => new NormalScores(column.Present));
        Dimensions = seen.Columns.Sum(Width);
    }

    /// <summary>Numbers a row.</summary>
    public int Dimensions { get; }

    /// <summary>Rows as vectors.</summary>
    /// <param name="table">A table of the same columns.</param>
    /// <param name="random">For training: spreads equal numbers over their ranks. Null to compare rows.</param>
    /// <returns>float32 [rows, dimensions].</returns>
    public Tensor Encode(Table table, Random? random = null)
    {
        using var scope = NewDisposeScope();
        var parts = new List<Tensor>();
        foreach (var (column, seen) in table.Columns.Zip(_seen.Columns))
        {
            if (column is NumberColumn numbers)
            {
                parts.Add(tensor(_scores[column.Name].Encode(numbers.Values, random), [table.Count, 1]));
                if (Width(seen) > 1) parts.Add(tensor(Array.ConvertAll(numbers.Values, value => double.IsNaN(value) ? 1f : -1f), [table.Count, 1]));
            }
            else if (column is CategoryColumn categories)
            {
                var codes = tensor(Array.ConvertAll(categories.Codes, code => (long)code), int64);
                parts.Add(nn.functional.one_hot(codes, categories.Categories.Length).to(float32).mul(2).sub(1));
            }
        }

        return cat(parts, 1).MoveToOuterDisposeScope();
    }

    /// <summary>The rows that vectors stand for.</summary>
    /// <param name="vectors">[rows, dimensions].</param>
    public Table Decode(Tensor vectors)
    {
        using var scope = NewDisposeScope();
        var (columns, at) = (new List<Column>(), 0);
        foreach (var seen in _seen.Columns)
        {
            var width = Width(seen);
            var part = vectors.narrow(1, at, width);
            at += width;
            if (seen is NumberColumn numbers)
            {
                var values = _scores[seen.Name].Decode(part.select(1, 0)).Select(value => Math.Round(value, numbers.Decimals)).ToArray();
                if (width > 1)
                    foreach (var row in part.select(1, 1).gt(0).nonzero().data<long>()) values[row] = double.NaN;
                columns.Add(new NumberColumn(seen.Name, values, numbers.Decimals));
            }
            else if (seen is CategoryColumn categories)
            {
                columns.Add(new CategoryColumn(seen.Name, [.. part.argmax(1).data<long>().Select(code => (int)code)], categories.Categories));
            }
        }

        return new Table(columns);
    }

    private static int Width(Column column) => column is CategoryColumn categories ? categories.Categories.Length : column is NumberColumn numbers && numbers.Values.Any(double.IsNaN) ? 2 : 1;
}
