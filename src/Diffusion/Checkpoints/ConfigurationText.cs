using System.Text.Json;

namespace Diffusion.Checkpoints;

/// <summary>Configuration files as text and as JSON, with a bound on what is read into memory.</summary>
internal static class ConfigurationText
{
    /// <summary>The most bytes that are read: configurations are small, and JSON in memory takes several times its length.</summary>
    public const int GreatestLength = 16 << 20;

    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is too long to be a configuration.</exception>
    public static byte[] ReadBytes(string file)
    {
        CheckLength(file);
        return File.ReadAllBytes(file);
    }

    /// <summary>The text of a file in UTF-8, or in what its byte order mark says.</summary>
    /// <inheritdoc cref="ReadBytes"/>
    public static string Read(string file)
    {
        CheckLength(file);
        return File.ReadAllText(file);
    }

    /// <summary>Parses JSON in which every name and string is text.</summary>
    /// <param name="utf8">The bytes.</param>
    /// <exception cref="JsonException">The bytes are not JSON, are nested deeper than 32, or hold an escape that is no character, such as half of a surrogate pair.</exception>
    public static JsonElement Parse(ReadOnlyMemory<byte> utf8)
    {
        using var document = JsonDocument.Parse(utf8, Options);
        return Checked(document);
    }

    /// <inheritdoc cref="Parse(ReadOnlyMemory{byte})"/>
    /// <param name="text">The text.</param>
    public static JsonElement Parse(string text)
    {
        using var document = JsonDocument.Parse(text, Options);
        return Checked(document);
    }

    private static JsonDocumentOptions Options => new() { MaxDepth = 32 };

    private static JsonElement Checked(JsonDocument document)
    {
        try
        {
            CheckText(document.RootElement);
        }
        catch (InvalidOperationException error)
        {
            throw new JsonException(error.Message, error);
        }

        return document.RootElement.Clone();
    }

    // The parser looks at escapes only when a name or a string is asked for, and then fails with an error that is not about JSON.
    private static void CheckText(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var property in element.EnumerateObject())
                {
                    _ = property.Name;
                    CheckText(property.Value);
                }

                break;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray()) CheckText(item);
                break;
            case JsonValueKind.String:
                _ = element.GetString();
                break;
        }
    }

    private static void CheckLength(string file)
    {
        var info = new FileInfo(file);
        if (!info.Exists) throw new FileNotFoundException($"{file}: there is no such file.", file);
        if (info.Length > GreatestLength) throw new InvalidDataException($"{file}: {info.Length} bytes are no configuration; at most {GreatestLength >> 20} MiB are read.");
    }
}
