using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Unicode;

namespace Penstock.Protocols;

/// <summary>Reads the JSON of request bodies. Whatever is wrong becomes a <see cref="RequestException"/> that names the field and the mend.</summary>
internal static class RequestJson
{
    /// <summary>The longest <c>prompt</c> of the plain forms, in Unicode code points (an emoji is one).</summary>
    public const int MaxPromptLength = 5000;

    // As most bodies have.
    private const int FewMembers = 8;

    /// <summary>Parses a body into one JSON object, none of whose own members stands twice (which of the two would a provider read?).</summary>
    /// <param name="body">UTF-8.</param>
    /// <param name="example">What a right body looks like, for the message.</param>
    public static JsonDocument Parse(ReadOnlyMemory<byte> body, string example)
    {
        if (body.Span.Trim(" \t\r\n"u8).IsEmpty) throw Error("invalid_json", null, $"The body is empty: send a JSON object, such as {example}.");
        if (!Utf8.IsValid(body.Span)) throw Error("invalid_json", null, "The body is not valid UTF-8: encode it as UTF-8.");
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 256 });
        }
        catch (JsonException e)
        {
            throw Error("invalid_json", null, $"The body is not valid JSON at line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}: send a JSON object, such as {example}.");
        }

        try
        {
            CheckNames(body.Span);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw Error("invalid_type", null, $"The body is {Describe(document.RootElement)}: send a JSON object, such as {example}.");
            if (FindTwice(document.RootElement) is { } name) throw Error("invalid_value", name, $"'{name}' is given twice: send it once.");
        }
        catch
        {
            document.Dispose();
            throw;
        }

        return document;
    }

    /// <summary>Whether a body may have a word in it, which is seen sooner than what it is there. It may be spelt with escapes, and means the same.</summary>
    public static bool MayHave(ReadOnlyMemory<byte> body, ReadOnlySpan<byte> word) => body.Span.IndexOf(word) >= 0 || body.Span.IndexOf("\\u00"u8) >= 0;

    public static RequestException Error(string code, string? param, string message) => new(message) { Code = code, Param = param };

    public static RequestException WrongType(string param, string wanted, JsonElement got) =>
        Error("invalid_type", param, $"'{param}' must be {wanted}, but is {Describe(got)}.");

    /// <summary>The member of that name; false where it is absent or null, which mean the same to every provider.</summary>
    public static bool TryGet(JsonElement parent, string name, out JsonElement value) =>
        parent.TryGetProperty(name, out value) && value.ValueKind is not (JsonValueKind.Null or JsonValueKind.Undefined);

    /// <summary>A member's name; half a surrogate pair in it stays as it is.</summary>
    public static string Name(JsonProperty member) => JsonText.ToText(JsonMarshal.GetRawUtf8PropertyName(member));

    /// <summary>The text of a string; half a surrogate pair in it stays as it is.</summary>
    public static string Text(JsonElement value) => JsonText.ToText(JsonMarshal.GetRawUtf8Value(value)[1..^1]);

    public static string? String(JsonElement parent, string name, string path)
    {
        if (!TryGet(parent, name, out var value)) return null;
        return value.ValueKind == JsonValueKind.String ? Text(value) : throw WrongType(path, "a string", value);
    }

    /// <summary>The same of a member whose path is told only where it is wrong: a long conversation has thousands.</summary>
    public static string? StringOf(JsonElement parent, string name, string parentPath)
    {
        if (!TryGet(parent, name, out var value)) return null;
        return value.ValueKind == JsonValueKind.String ? Text(value) : throw WrongType($"{parentPath}.{name}", "a string", value);
    }

    public static bool? Boolean(JsonElement parent, string name, string path)
    {
        if (!TryGet(parent, name, out var value)) return null;
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw WrongType(path, "true or false", value);
    }

    public static int? Integer(JsonElement parent, string name, int min, int max)
    {
        if (!TryGet(parent, name, out var value)) return null;
        if (value.ValueKind != JsonValueKind.Number) throw WrongType(name, "a whole number", value);
        if (value.TryGetInt32(out var number) && number >= min && number <= max) return number;
        var range = max == int.MaxValue ? $"of at least {min}" : $"from {min} to {max}";
        throw Error("invalid_value", name, $"'{name}' must be a whole number {range}, but is {value.GetRawText()}.");
    }

    public static double? Number(JsonElement parent, string name, string path)
    {
        if (!TryGet(parent, name, out var value)) return null;
        return value.ValueKind == JsonValueKind.Number ? Finite(value, path) : throw WrongType(path, "a number", value);
    }

    /// <summary>The number; one beyond a double's range, such as 1e999, could not be written for another provider.</summary>
    public static double Finite(JsonElement value, string path)
    {
        var number = value.GetDouble();
        return double.IsFinite(number) ? number : throw Error("invalid_value", path, $"'{path}' is out of range: send a smaller number.");
    }

    /// <summary>A JSON schema, raw; empty where it is absent.</summary>
    public static ReadOnlyMemory<byte> Schema(JsonElement parent, string name, string path)
    {
        if (!TryGet(parent, name, out var schema)) return default;
        return schema.ValueKind == JsonValueKind.Object ? JsonMarshal.GetRawUtf8Value(schema).ToArray() : throw WrongType(path, "a JSON schema (an object)", schema);
    }

    /// <summary>The items of a list of objects, each with its path.</summary>
    public static IEnumerable<(JsonElement Item, string Path)> Objects(JsonElement parent, string name, string? path = null)
    {
        path ??= name;
        if (!TryGet(parent, name, out var list)) yield break;
        if (list.ValueKind != JsonValueKind.Array) throw WrongType(path, "a list", list);
        var index = 0;
        foreach (var item in list.EnumerateArray())
        {
            var at = $"{path}[{index++}]";
            if (item.ValueKind != JsonValueKind.Object) throw WrongType(at, "an object", item);
            yield return (item, at);
        }
    }

    public static Setting<int>? IntegerSetting(JsonElement parent, string name, int min) => Integer(parent, name, min, int.MaxValue) is { } value ? new(name, value) : null;

    public static Setting<double>? NumberSetting(JsonElement parent, string name) => Number(parent, name, name) is { } value ? new(name, value) : null;

    public static Setting<bool>? BooleanSetting(JsonElement parent, string name) => Boolean(parent, name, name) is { } value ? new(name, value) : null;

    public static Setting<string>? StringSetting(JsonElement parent, string name) => String(parent, name, name) is { } value ? new(name, value) : null;

    public static Setting<long>? LongSetting(JsonElement parent, string name)
    {
        if (!TryGet(parent, name, out var value)) return null;
        if (value.ValueKind != JsonValueKind.Number) throw WrongType(name, "a whole number", value);
        return new(name, value.TryGetInt64(out var number) ? number : (long)value.GetDouble());
    }

    /// <summary>A string, or a list of strings.</summary>
    public static Setting<IReadOnlyList<string>>? StringsSetting(JsonElement parent, string name)
    {
        if (!TryGet(parent, name, out var value)) return null;
        if (value.ValueKind == JsonValueKind.String) return new(name, [Text(value)]);
        if (value.ValueKind != JsonValueKind.Array) throw WrongType(name, "a string or a list of strings", value);
        var strings = new List<string>();
        foreach (var item in value.EnumerateArray())
            strings.Add(item.ValueKind == JsonValueKind.String ? Text(item) : throw WrongType($"{name}[{strings.Count}]", "a string", item));
        return new(name, strings);
    }

    /// <summary>The model's name, or null for the default.</summary>
    public static string? Model(JsonElement root)
    {
        var model = String(root, "model", "model");
        return model is { Length: 0 } ? throw Error("invalid_value", "model", "'model' is empty: name a model, or leave the field out for the default.") : model;
    }

    /// <summary>The prompt of the plain forms.</summary>
    public static string Prompt(JsonElement root, string name)
    {
        if (!TryGet(root, name, out var value)) throw Error("missing_required_parameter", name, $"'{name}' is missing: send {{\"{name}\": \"…\"}}.");
        if (value.ValueKind != JsonValueKind.String) throw WrongType(name, "a string", value);
        var prompt = Text(value);
        if (string.IsNullOrWhiteSpace(prompt)) throw Error("invalid_value", name, $"'{name}' is empty: write what you want to ask.");
        var length = 0;
        foreach (var _ in prompt.EnumerateRunes()) length++;
        return length <= MaxPromptLength
            ? prompt
            : throw Error("string_above_max_length", name, $"'{name}' has {length} characters: shorten it to {MaxPromptLength} at most.");
    }

    /// <summary>The name of a member that stands twice; null for none.</summary>
    private static string? FindTwice(JsonElement root)
    {
        if (root.GetPropertyCount() <= FewMembers && AreDistinct(root)) return null;
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in root.EnumerateObject())
        {
            var name = Name(member);
            if (!names.Add(name)) return name;
        }

        return null;
    }

    // Few are compared with one another sooner than they are hashed. What holds an escape may be another's name, spelt otherwise.
    private static bool AreDistinct(JsonElement root)
    {
        var at = 0;
        foreach (var member in root.EnumerateObject())
        {
            var name = JsonMarshal.GetRawUtf8PropertyName(member);
            if (name.Contains((byte)'\\')) return false;
            var before = at++;
            foreach (var other in root.EnumerateObject())
            {
                if (before-- == 0) break;
                if (JsonMarshal.GetRawUtf8PropertyName(other).SequenceEqual(name)) return false;
            }
        }

        return true;
    }

    // Half a surrogate pair in a text stays as it is, but a name that holds one cannot be compared with another.
    private static void CheckNames(ReadOnlySpan<byte> body)
    {
        if (body.IndexOf("\\ud"u8) < 0 && body.IndexOf("\\uD"u8) < 0) return;
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = JsonValue.MaxDepth });
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.PropertyName && reader.ValueIsEscaped) reader.GetString();
            }
        }
        catch (InvalidOperationException)
        {
            throw Error("invalid_json", null, "A member's name in the body holds half of a surrogate pair: write the whole character, or leave it out.");
        }
    }

    private static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        _ => "null",
    };
}
