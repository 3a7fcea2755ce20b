using System.Text;

namespace Tabular;

/// <summary>Comma-separated values as in RFC 4180: a header, then one row a line; a cell in double quotes may hold commas, line ends and doubled quotes.</summary>
internal static class CsvFile
{
    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidDataException">The file is no such table; the message names file and line.</exception>
    public static (string[] Header, List<string[]> Rows) Read(string path)
    {
        using var reader = new StreamReader(path, Encoding.UTF8);
        var line = 1;
        var header = ReadRow(reader, path, ref line) ?? throw new InvalidDataException($"{path} is empty; a header and rows are needed.");
        for (var k = 0; k < header.Length; k++)
            if (header[k].Length == 0 || Array.IndexOf(header, header[k]) < k)
                throw new InvalidDataException($"{path}, line 1: column {k + 1} is named '{header[k]}'; every column needs a name of its own.");
        var rows = new List<string[]>();
        for (var first = line; ReadRow(reader, path, ref line) is { } row; first = line)
        {
            if (row is [""] && header.Length > 1) continue; // an empty line
            if (row.Length != header.Length) throw new InvalidDataException($"{path}, line {first}: {row.Length} cells; the header has {header.Length}.");
            rows.Add(row);
        }

        return rows.Count > 0 ? (header, rows) : throw new InvalidDataException($"{path} has a header but no rows.");
    }

    /// <summary>Writes a file.</summary>
    public static void Write(string path, IEnumerable<string> header, IEnumerable<IEnumerable<string>> rows)
    {
        using var writer = new StreamWriter(path) { NewLine = "\n" };
        foreach (var row in rows.Prepend(header)) writer.WriteLine(string.Join(',', row.Select(Quoted)));
    }

    private static string Quoted(string cell) => cell.AsSpan().IndexOfAny("\",\r\n") < 0 ? cell : $"\"{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    // The cells of the next row; null at the end of the file.
    private static string[]? ReadRow(StreamReader reader, string path, ref int line)
    {
        if (reader.Peek() < 0) return null;
        var (cells, cell, quoted, closed) = (new List<string>(), new StringBuilder(), false, false);
        var opened = line;
        while (true)
        {
            var next = reader.Read();
            if (next == '\n') line++;
            if (quoted)
            {
                if (next < 0) throw new InvalidDataException($"{path}, line {opened}: a quoted cell does not end.");
                if (next != '"') cell.Append((char)next);
                else if (reader.Peek() == '"') cell.Append((char)reader.Read());
                else (quoted, closed) = (false, true);
            }
            else if (next is ',' or '\n' || next < 0)
            {
                cells.Add(closed ? cell.ToString() : cell.ToString().Trim());
                (cell, closed) = (cell.Clear(), false);
                if (next != ',') return [.. cells];
            }
            else if (next == '\r' && reader.Peek() is '\n' or < 0)
            {
                continue; // the line end follows
            }
            else if (closed || next == '\0')
            {
                throw new InvalidDataException($"{path}, line {line}: {(closed ? "a quoted cell goes on after its closing quote" : "a null character; this is no text")}.");
            }
            else if (next == '"' && cell.Length == 0)
            {
                (quoted, opened) = (true, line);
            }
            else
            {
                cell.Append((char)next);
            }
        }
    }
}
