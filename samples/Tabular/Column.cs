using System.Globalization;

namespace Tabular;

/// <summary>A column of a table.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Count">Number of rows.</param>
internal abstract record Column(string Name, int Count)
{
    /// <summary>A cell as text; empty where it is missing.</summary>
    public abstract string this[int row] { get; }

    /// <summary>The column of some rows.</summary>
    public abstract Column Take(IReadOnlyList<int> rows);

    /// <summary>A column of cells: numbers where all that are not empty are numbers of many values, else categories.</summary>
    /// <exception cref="InvalidDataException">The cells are neither: too many different texts.</exception>
    public static Column Of(string name, string[] cells)
    {
        const int fewValues = 10, mostCategories = 100;
        var given = cells.Where(cell => cell.Length > 0).ToArray();
        var distinct = given.Distinct().Count();
        var numbers = Array.ConvertAll(cells, cell => double.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value) ? value : double.NaN);
        if (distinct > fewValues && numbers.Count(double.IsFinite) == given.Length)
            return new NumberColumn(name, numbers, given.Max(cell => cell.IndexOf('.') is var point and >= 0 ? Math.Min(cell.Length - point - 1, 15) : 0));
        if (distinct > mostCategories)
            throw new InvalidDataException($"Column '{name}' has {distinct} different texts, for example '{given[0]}'; at most {mostCategories} can be learned as categories. Leave it out with --skip \"{name}\".");
        var categories = cells.Distinct().Order(StringComparer.Ordinal).ToArray();
        return new CategoryColumn(name, Array.ConvertAll(cells, cell => Array.BinarySearch(categories, cell, StringComparer.Ordinal)), categories);
    }
}

/// <summary>Numbers.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Values">A number a row; NaN where it is missing.</param>
/// <param name="Decimals">How many digits after the point the cells have at most.</param>
internal sealed record NumberColumn(string Name, double[] Values, int Decimals) : Column(Name, Values.Length)
{
    public override string this[int row] => double.IsNaN(Values[row]) ? "" : Values[row].ToString($"F{Decimals}", CultureInfo.InvariantCulture);

    public IEnumerable<double> Present => Values.Where(double.IsFinite);

    public override Column Take(IReadOnlyList<int> rows) => this with { Values = [.. rows.Select(row => Values[row])], Count = rows.Count };
}

/// <summary>Categories; a missing cell is one of them.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Codes">Of each row, its place among the categories.</param>
/// <param name="Categories">The texts.</param>
internal sealed record CategoryColumn(string Name, int[] Codes, string[] Categories) : Column(Name, Codes.Length)
{
    public override string this[int row] => Categories[Codes[row]];

    public override Column Take(IReadOnlyList<int> rows) => this with { Codes = [.. rows.Select(row => Codes[row])], Count = rows.Count };
}
