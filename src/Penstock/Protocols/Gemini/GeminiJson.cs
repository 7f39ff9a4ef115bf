using System.Text;
using System.Text.Json;

namespace Penstock.Protocols.Gemini;

/// <summary>Reads members under both spellings that Google's JSON mapping takes: <c>topK</c> and <c>top_k</c>. https://protobuf.dev/programming-guides/json/</summary>
internal static class GeminiJson
{
    /// <summary>The member of that name, given in camel case; false where it is absent or null.</summary>
    public static bool TryGet(JsonElement parent, string name, out JsonElement value) =>
        RequestJson.TryGet(parent, name, out value) || (name.AsSpan().ContainsAnyInRange('A', 'Z') && RequestJson.TryGet(parent, Snake(name), out value));

    public static string? String(JsonElement parent, string name, string path)
    {
        if (!TryGet(parent, name, out var value)) return null;
        return value.ValueKind == JsonValueKind.String ? RequestJson.Text(value) : throw RequestJson.WrongType(path, "a string", value);
    }

    public static bool Boolean(JsonElement parent, string name, string path)
    {
        if (!TryGet(parent, name, out var value)) return false;
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw RequestJson.WrongType(path, "true or false", value);
    }

    /// <summary>An object; false where it is absent or null.</summary>
    public static bool TryGetObject(JsonElement parent, string name, string path, out JsonElement value)
    {
        if (!TryGet(parent, name, out value)) return false;
        return value.ValueKind == JsonValueKind.Object ? true : throw RequestJson.WrongType(path, "an object", value);
    }

    /// <summary>The items of a list of objects, each with its path. Google's clients send a lone object too.</summary>
    public static IEnumerable<(JsonElement Item, string Path)> Objects(JsonElement parent, string name, string path)
    {
        if (!TryGet(parent, name, out var list)) yield break;
        if (list.ValueKind == JsonValueKind.Object)
        {
            yield return (list, path);
            yield break;
        }

        if (list.ValueKind != JsonValueKind.Array) throw RequestJson.WrongType(path, "a list", list);
        var index = 0;
        foreach (var item in list.EnumerateArray())
        {
            var at = $"{path}[{index++}]";
            if (item.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType(at, "an object", item);
            yield return (item, at);
        }
    }

    /// <summary>The members that are there, each by its name in camel case.</summary>
    public static IEnumerable<(string Name, JsonElement Value)> Members(JsonElement parent)
    {
        foreach (var member in parent.EnumerateObject())
        {
            if (member.Value.ValueKind != JsonValueKind.Null) yield return (Camel(RequestJson.Name(member)), member.Value);
        }
    }

    public static string Camel(string name)
    {
        if (!name.Contains('_', StringComparison.Ordinal)) return name;
        var camel = new StringBuilder(name.Length);
        var upper = false;
        foreach (var c in name)
        {
            if (c == '_' && camel.Length > 0)
            {
                upper = true;
                continue;
            }

            camel.Append(upper ? char.ToUpperInvariant(c) : c);
            upper = false;
        }

        return camel.ToString();
    }

    private static string Snake(string name)
    {
        var snake = new StringBuilder(name.Length + 4);
        foreach (var c in name)
        {
            if (char.IsAsciiLetterUpper(c)) snake.Append('_');
            snake.Append(char.ToLowerInvariant(c));
        }

        return snake.ToString();
    }
}
