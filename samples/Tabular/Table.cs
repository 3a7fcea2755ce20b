namespace Tabular;

/// <summary>Columns of one length.</summary>
internal sealed record Table(IReadOnlyList<Column> Columns)
{
    public int Count => Columns[0].Count;

    /// <summary>Reads a CSV file and decides what each column is.</summary>
    /// <param name="path">The file.</param>
    /// <param name="skip">Columns to leave out.</param>
    /// <exception cref="InvalidDataException">The file is no table; the message names what is wrong with it.</exception>
    /// <exception cref="ArgumentException">A column to leave out does not exist.</exception>
    public static Table Read(string path, IReadOnlyList<string> skip)
    {
        var (header, rows) = CsvFile.Read(path);
        foreach (var name in skip)
            if (!header.Contains(name)) throw new ArgumentException($"There is no column '{name}' to skip; {path} has {string.Join(", ", header)}.");
        Column[] columns = [.. header.Select((name, k) => (name, k)).Where(c => !skip.Contains(c.name)).Select(c => Column.Of(c.name, [.. rows.Select(row => row[c.k])]))];
        return columns.Length > 0 ? new Table(columns) : throw new ArgumentException("Every column was left out.");
    }

    public void Write(string path) => CsvFile.Write(path, Columns.Select(column => column.Name), Enumerable.Range(0, Count).Select(Row));

    /// <summary>The cells of a row.</summary>
    public IEnumerable<string> Row(int row) => Columns.Select(column => column[row]);

    /// <summary>Some rows.</summary>
    public Table Take(IReadOnlyList<int> rows) => new([.. Columns.Select(column => column.Take(rows))]);

    /// <summary>The table without one of its columns.</summary>
    public Table Without(Column column) => new([.. Columns.Where(other => other.Name != column.Name)]);

    /// <summary>A random part of the rows, and the others.</summary>
    public (Table Part, Table Others) Split(double share, int seed)
    {
        var order = Enumerable.Range(0, Count).ToArray();
        new Random(seed).Shuffle(order);
        var size = (int)Math.Round(share * Count);
        if (size < 2 || Count - size < 2) throw new InvalidDataException($"The table has {Count} rows: too few to set some aside. At least 20 are needed.");
        return (Take(order[..size]), Take(order[size..]));
    }
}
