using System.Text;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>Python writes infinities as bare words, which JSON does not know. They become strings, which number keys understand.</summary>
internal static class PythonJson
{
    private static readonly string[] Words = ["-Infinity", "Infinity"];

    /// <summary>Whether a string stands for a bare infinity.</summary>
    public static bool IsInfinity(string? text) => Array.IndexOf(Words, text) >= 0;

    /// <summary>The same text with every bare infinity in quotes.</summary>
    public static string QuoteInfinities(string json)
    {
        if (!json.Contains("Infinity", StringComparison.Ordinal)) return json;
        var text = new StringBuilder(json.Length + 16);
        var quoted = false;
        for (var i = 0; i < json.Length; i++)
        {
            if (!quoted && Array.Find(Words, word => string.CompareOrdinal(json, i, word, 0, word.Length) == 0) is { } infinity)
            {
                text.Append('"').Append(infinity).Append('"');
                i += infinity.Length - 1;
                continue;
            }

            if (quoted && json[i] == '\\' && i + 1 < json.Length) text.Append(json[i++]); // an escaped quote ends nothing
            else if (json[i] == '"') quoted = !quoted;
            text.Append(json[i]);
        }

        return text.ToString();
    }
}
