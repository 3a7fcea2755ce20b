namespace Tabular;

/// <summary>How far two columns are alike, and how far two columns of one table go together.</summary>
internal static class Association
{
    /// <summary>The distance of the distributions of two columns of one kind, in [0, 1]: Kolmogorov and Smirnov's for numbers, total variation for categories. Missing numbers are left out.</summary>
    public static double Distance(Column first, Column second) => (first, second) switch
    {
        (NumberColumn a, NumberColumn b) => KolmogorovSmirnov([.. a.Present.Order()], [.. b.Present.Order()]),
        (CategoryColumn a, CategoryColumn b) => Enumerable.Range(0, a.Categories.Length).Sum(code => Math.Abs(Share(a, code) - Share(b, code))) / 2,
        _ => throw new ArgumentException($"Column '{first.Name}' is of numbers in one table and of categories in the other.", nameof(second)),
    };

    /// <summary>Pearson's correlation in [−1, 1] of two columns of numbers, Cramér's V in [0, 1] of two of categories, the correlation ratio η in [0, 1] of one of each.</summary>
    public static double Between(Column first, Column second) => (first, second) switch
    {
        (NumberColumn a, NumberColumn b) => Pearson(a.Values, b.Values),
        (CategoryColumn a, CategoryColumn b) => CramersV(a, b),
        (CategoryColumn a, NumberColumn b) => CorrelationRatio(a, b),
        (NumberColumn a, CategoryColumn b) => CorrelationRatio(b, a),
        _ => throw new ArgumentException($"Columns '{first.Name}' and '{second.Name}' are of unknown kinds.", nameof(second)),
    };

    private static double Share(CategoryColumn column, int code) => column.Codes.Count(other => other == code) / (double)column.Count;

    private static double KolmogorovSmirnov(double[] a, double[] b)
    {
        if (a.Length == 0 || b.Length == 0) return a.Length == b.Length ? 0 : 1;
        var (i, j, greatest) = (0, 0, 0.0);
        while (i < a.Length && j < b.Length)
        {
            var value = Math.Min(a[i], b[j]);
            while (i < a.Length && a[i] == value) i++;
            while (j < b.Length && b[j] == value) j++;
            greatest = Math.Max(greatest, Math.Abs(i / (double)a.Length - j / (double)b.Length));
        }

        return greatest;
    }

    private static double Pearson(double[] a, double[] b)
    {
        var both = a.Zip(b).Where(pair => double.IsFinite(pair.First) && double.IsFinite(pair.Second)).ToArray();
        if (both.Length == 0) return 0;
        var (meanA, meanB) = (both.Average(pair => pair.First), both.Average(pair => pair.Second));
        var together = both.Sum(pair => (pair.First - meanA) * (pair.Second - meanB));
        var apart = Math.Sqrt(both.Sum(pair => Math.Pow(pair.First - meanA, 2)) * both.Sum(pair => Math.Pow(pair.Second - meanB, 2)));
        return apart > 0 ? together / apart : 0;
    }

    private static double CramersV(CategoryColumn a, CategoryColumn b)
    {
        var counts = new double[a.Categories.Length, b.Categories.Length];
        for (var row = 0; row < a.Count; row++) counts[a.Codes[row], b.Codes[row]]++;
        double[] ofA = [.. a.Categories.Select((_, code) => (double)a.Codes.Count(other => other == code))], ofB = [.. b.Categories.Select((_, code) => (double)b.Codes.Count(other => other == code))];
        var sum = 0.0; // χ²/n
        for (var i = 0; i < ofA.Length; i++)
            for (var j = 0; j < ofB.Length; j++)
                if (ofA[i] * ofB[j] is var expected and > 0) sum += Math.Pow(counts[i, j] - expected / a.Count, 2) / expected;
        var fewest = Math.Min(ofA.Count(n => n > 0), ofB.Count(n => n > 0));
        return fewest > 1 ? Math.Sqrt(sum / (fewest - 1)) : 0;
    }

    // The share of the variance that lies between the categories, as a root.
    private static double CorrelationRatio(CategoryColumn categories, NumberColumn numbers)
    {
        var present = categories.Codes.Zip(numbers.Values).Where(pair => double.IsFinite(pair.Second)).ToArray();
        if (present.Length == 0) return 0;
        var mean = present.Average(pair => pair.Second);
        var total = present.Sum(pair => Math.Pow(pair.Second - mean, 2));
        var between = present.GroupBy(pair => pair.First).Sum(group => group.Count() * Math.Pow(group.Average(pair => pair.Second) - mean, 2));
        return total > 0 ? Math.Sqrt(between / total) : 0;
    }
}
