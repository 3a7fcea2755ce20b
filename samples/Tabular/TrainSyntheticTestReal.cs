using static TorchSharp.torch;

namespace Tabular;

/// <summary>What the synthetic rows are worth for learning: a classifier that has seen nothing but them (25 nearest neighbours) on real rows, beside one that has seen real ones.</summary>
/// <param name="target">The column to tell from the others.</param>
internal sealed class TrainSyntheticTestReal(string target)
{
    private const int Neighbours = 25;

    public string Compare(Table real, Table synthetic, Table unseen)
    {
        var test = Target(unseen);
        var most = test.Codes.GroupBy(code => code).Max(group => group.Count()) / (double)test.Count;
        var (ofReal, ofSynthetic) = (Score(real, unseen), Score(synthetic, unseen));
        return $"Telling '{target}' of unseen rows from their other columns, trained on synthetic rows: accuracy {ofSynthetic.Accuracy:p1}, area under the curve {ofSynthetic.Area:f3}; "
            + $"trained on real rows: {ofReal.Accuracy:p1}, {ofReal.Area:f3}; always the most frequent: {most:p1}, 0.500.\n";
    }

    private CategoryColumn Target(Table table) => (CategoryColumn)table.Columns.First(column => column.Name == target);

    private (double Accuracy, double Area) Score(Table known, Table unseen)
    {
        using var scope = NewDisposeScope();
        var (given, asked) = (Target(known), Target(unseen));
        var encoding = new TableEncoding(known.Without(given));
        var (places, labels) = (encoding.Encode(known.Without(given)), tensor(Array.ConvertAll(given.Codes, code => (long)code), int64));
        var votes = new List<Tensor>();
        foreach (var rows in encoding.Encode(unseen.Without(asked)).split(256))
        {
            using var inner = NewDisposeScope();
            var (_, nearest) = cdist(rows, places).topk(Math.Min(Neighbours, known.Count), 1, largest: false);
            var seen = labels.index_select(0, nearest.flatten()).view(nearest.shape);
            votes.Add(nn.functional.one_hot(seen, given.Categories.Length).sum([1L]).to(float64).MoveToOuterDisposeScope());
        }

        var shares = cat(votes, 0); // [rows, categories]
        var accuracy = shares.argmax(1).eq(tensor(Array.ConvertAll(asked.Codes, code => (long)code), int64)).to(float64).mean().item<double>();
        var areas = Enumerable.Range(0, given.Categories.Length).Select(code => Area(shares.select(1, code).data<double>().ToArray(), Array.ConvertAll(asked.Codes, other => other == code)));
        return (accuracy, areas.Where(double.IsFinite).DefaultIfEmpty(double.NaN).Average());
    }

    // The probability that one of a category scores higher than one that is not; half where they tie. Not a number where all are of one kind.
    private static double Area(double[] scores, bool[] belongs)
    {
        var (below, wins) = (0.0, 0.0);
        foreach (var group in scores.Zip(belongs).GroupBy(pair => pair.First).OrderBy(group => group.Key))
        {
            var (inside, outside) = (group.Count(pair => pair.Second), group.Count(pair => !pair.Second));
            wins += inside * (below + outside / 2.0);
            below += outside;
        }

        return wins / (below * (scores.Length - below));
    }
}
