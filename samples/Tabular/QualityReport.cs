using System.Text;
using Diffusion.Evaluation;
using static TorchSharp.torch;

namespace Tabular;

/// <summary>How good a synthetic table is. Every figure stands beside that of rows of the source which the model has not seen: no better can be expected.</summary>
/// <param name="train">What the model was trained on.</param>
/// <param name="unseen">Other rows of the source.</param>
/// <param name="synthetic">What the model drew.</param>
internal sealed class QualityReport(Table train, Table unseen, Table synthetic)
{
    public string Write(CategoryColumn? target)
    {
        var text = new StringBuilder();
        text.AppendLine("| column | kind | distance | of unseen rows | missing | in the source |").AppendLine("| --- | --- | --- | --- | --- | --- |");
        for (var k = 0; k < train.Columns.Count; k++)
        {
            var (a, b, c) = (train.Columns[k], synthetic.Columns[k], unseen.Columns[k]);
            text.AppendLine($"| {a.Name} | {(a is NumberColumn ? "number" : $"{((CategoryColumn)a).Categories.Length} categories")} | {Association.Distance(a, b):f3} | {Association.Distance(a, c):f3} | {Missing(b):p1} | {Missing(a):p1} |");
        }

        text.AppendLine("\nDistance: Kolmogorov-Smirnov for numbers, total variation for categories.\n");
        Associations(text);
        Copies(text);
        if (target is not null) text.Append(new TrainSyntheticTestReal(target.Name).Compare(train, synthetic, unseen));
        return text.ToString();
    }

    private static double Missing(Column column) => Enumerable.Range(0, column.Count).Count(row => column[row].Length == 0) / (double)column.Count;

    private void Associations(StringBuilder text)
    {
        var pairs = from i in Enumerable.Range(0, train.Columns.Count)
                    from j in Enumerable.Range(i + 1, train.Columns.Count - i - 1)
                    let truth = Of(train, i, j)
                    select (Names: $"{train.Columns[i].Name} and {train.Columns[j].Name}", Truth: truth, Synthetic: Of(synthetic, i, j), Unseen: Of(unseen, i, j));
        var all = pairs.OrderByDescending(pair => Math.Abs(pair.Synthetic - pair.Truth)).ToArray();
        if (all.Length == 0) return;
        text.AppendLine($"Association of two columns (Pearson, Cramér's V, correlation ratio): mean difference {all.Average(pair => Math.Abs(pair.Synthetic - pair.Truth)):f3}, of unseen rows {all.Average(pair => Math.Abs(pair.Unseen - pair.Truth)):f3}.");
        foreach (var (names, truth, found, other) in all.Take(3)) text.AppendLine($"  largest: {names} {truth:f3}, synthetic {found:f3}, unseen {other:f3}");
        text.AppendLine();

        static double Of(Table table, int i, int j) => Association.Between(table.Columns[i], table.Columns[j]);
    }

    // Rows that lie closer to those of the training than unseen ones do would be copies.
    private void Copies(StringBuilder text)
    {
        using var scope = NewDisposeScope();
        var encoding = new TableEncoding(train);
        var (known, count) = (encoding.Encode(train), Math.Min(unseen.Count, synthetic.Count));
        (float Low, float Middle) Nearest(Table table)
        {
            var distances = SampleStatistics.NearestDistances(encoding.Encode(table.Take([.. Enumerable.Range(0, count)])), known).data<float>().Order().ToArray();
            return (distances[count / 20], distances[count / 2]);
        }

        var rows = Enumerable.Range(0, train.Count).Select(row => string.Join('\n', train.Row(row))).ToHashSet();
        double Same(Table table) => Enumerable.Range(0, table.Count).Count(row => rows.Contains(string.Join('\n', table.Row(row)))) / (double)table.Count;
        var (drawn, real) = (Nearest(synthetic), Nearest(unseen));
        text.AppendLine($"Distance to the closest row of the training: median {drawn.Middle:f3}, of unseen rows {real.Middle:f3}; 5 % quantile {drawn.Low:f3}, of unseen rows {real.Low:f3}. Equal to one in every cell: {Same(synthetic):p2}, of unseen rows {Same(unseen):p2}.");
    }
}
