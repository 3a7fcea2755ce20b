using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Diffusion.Tests.Hostile;

/// <summary>JSON that stays JSON and says something else: other types, impossible numbers, names that are missing, wrong or given twice, deep nesting.</summary>
internal sealed class JsonMutation(params string[] words)
{
    private const string Raw = "raw-7f3a-", Twice = "twice-7f3a-";

    // What JsonNode would not write: numbers beyond every type, half a character, an object in an object in …
    private static readonly string[] Values =
    [
        "null", "true", "false", "0", "-1", "1", "2", "3", "7", "0.5", "-0.0", "1e-320", "1e308", "-1e308", "1e999", "1e9999999999", "2147483647", "2147483648", "-2147483648", "4294967296",
        "1000000000", "9223372036854775807", "9223372036854775808", "18446744073709551616", "4611686018427387904", "\"\"", "\"inf\"", "\"NaN\"", "\"\\ud800\"", "\"\\u0000\"",
        "[]", "{}", "[[]]", "[1]", "[1,2,3,4,5,6]", "[null]", "[[1],[2]]", "{\"a\":1}", "\"" + new string('x', 300) + "\"",
        string.Concat(Enumerable.Repeat("[", 40)) + string.Concat(Enumerable.Repeat("]", 40)), string.Concat(Enumerable.Repeat("{\"inner\":", 25)) + "0" + new string('}', 25),
    ];

    public byte[] Apply(byte[] json, Random random) => Encoding.UTF8.GetBytes(Apply(JsonNode.Parse(json)!, random));

    /// <summary>Changes one to three things.</summary>
    public string Apply(JsonNode root, Random random)
    {
        var raws = new List<string>();
        for (var n = random.Next(3); n >= 0; n--)
        {
            var nodes = new List<(JsonNode Parent, string? Key, int Index)>();
            Collect(root, nodes);
            if (nodes.Count == 0) return Values[random.Next(Values.Length)];
            var (parent, key, index) = nodes[random.Next(nodes.Count)];
            Change(parent, key, index, nodes, raws, random);
        }

        var text = root.ToJsonString();
        for (var i = 0; i < raws.Count; i++) text = text.Replace($"\"{Raw}{i}-\"", raws[i], StringComparison.Ordinal).Replace($"\"{Twice}{i}-\"", raws[i], StringComparison.Ordinal);
        return text;
    }

    private void Change(JsonNode parent, string? key, int index, List<(JsonNode Parent, string? Key, int Index)> nodes, List<string> raws, Random random)
    {
        switch (random.Next(8))
        {
            case 0 or 1: // a value of another kind
                raws.Add(Values[random.Next(Values.Length)]);
                Set(parent, key, index, $"{Raw}{raws.Count - 1}-");
                break;
            case 2 when words.Length > 0: // a word that means something elsewhere
                Set(parent, key, index, words[random.Next(words.Length)]);
                break;
            case 3: // a value from elsewhere
                var (other, otherKey, otherIndex) = nodes[random.Next(nodes.Count)];
                Set(parent, key, index, Get(other, otherKey, otherIndex)?.DeepClone());
                break;
            case 4 when parent is JsonObject owner: // a name twice
                raws.Add(JsonSerializer.Serialize(key));
                owner[$"{Twice}{raws.Count - 1}-"] = Get(parent, key, index)?.DeepClone();
                break;
            case 5 when parent is JsonObject renamed: // another name
                var value = renamed[key!];
                renamed.Remove(key!);
                renamed[words.Length > 0 && random.Next(2) == 0 ? words[random.Next(words.Length)] : key + "x"] = value;
                break;
            case 6: // missing
                if (parent is JsonObject shrunk) shrunk.Remove(key!);
                else ((JsonArray)parent).RemoveAt(index);
                break;
            default: // one more, or a number beside the right one
                if (parent is JsonArray list && random.Next(2) == 0) list.Add(list[index]?.DeepClone());
                else if (Get(parent, key, index) is JsonValue number && number.TryGetValue<double>(out var x)) Set(parent, key, index, Beside(x, random));
                else Set(parent, key, index, null);
                break;
        }
    }

    private static JsonValue Beside(double x, Random random)
    {
        var y = random.Next(6) switch { 0 => x + 1, 1 => x - 1, 2 => -x, 3 => 2 * x, 4 => x * (1L << 32), _ => x + 0.5 };
        return y == Math.Floor(y) && Math.Abs(y) < 1L << 53 ? JsonValue.Create((long)y) : JsonValue.Create(y);
    }

    private static JsonNode? Get(JsonNode parent, string? key, int index) => parent is JsonObject owner ? owner[key!] : ((JsonArray)parent)[index];

    private static void Set(JsonNode parent, string? key, int index, JsonNode? value)
    {
        if (parent is JsonObject owner) owner[key!] = value;
        else ((JsonArray)parent)[index] = value;
    }

    private static void Collect(JsonNode? node, List<(JsonNode, string?, int)> into)
    {
        if (node is JsonObject owner)
        {
            foreach (var (key, value) in owner)
            {
                into.Add((owner, key, 0));
                Collect(value, into);
            }
        }
        else if (node is JsonArray list)
        {
            for (var i = 0; i < list.Count; i++)
            {
                into.Add((list, null, i));
                Collect(list[i], into);
            }
        }
    }
}
