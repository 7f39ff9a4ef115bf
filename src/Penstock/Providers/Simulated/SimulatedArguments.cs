using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using static Penstock.Providers.Simulated.SimulatedRequest;

namespace Penstock.Providers.Simulated;

/// <summary>Makes a function's arguments up: JSON that its schema allows, with words and numbers of the prompt where they fit.</summary>
internal sealed partial class SimulatedArguments
{
    private const int MaxDepth = 8; // schemas may refer to themselves

    private const int MaxPrompt = 10_000; // what is looked through for words

    private readonly JsonElement _schema;
    private readonly string _prompt;
    private readonly Queue<string> _words;
    private readonly Queue<string> _numbers;
    private readonly ArrayBufferWriter<byte> _output = new();
    private readonly Utf8JsonWriter _json;

    private SimulatedArguments(JsonElement schema, string prompt)
    {
        _schema = schema;
        _prompt = prompt = prompt[..Math.Min(prompt.Length, MaxPrompt)];
        // Names come first: the city in "What is the weather in Paris?" is what a tool most likely asks for.
        var topic = SimulatedTopic.Of(prompt);
        _words = new(Capitalized().Matches(prompt).Select(m => m.Value).Concat(topic.Words));
        _numbers = new(Digits().Matches(prompt).Select(m => m.Value));
        _json = new Utf8JsonWriter(_output, SimulatedChunks.JsonOptions);
    }

    public static string Write(JsonElement schema, string prompt)
    {
        var arguments = new SimulatedArguments(schema, prompt);
        using (arguments._json) arguments.WriteObject(schema, MaxDepth);
        return Encoding.UTF8.GetString(arguments._output.WrittenSpan);
    }

    private void WriteValue(JsonElement schema, int depth)
    {
        schema = Resolve(schema);
        if (Get(schema, "const") is { ValueKind: not JsonValueKind.Undefined } constant) constant.WriteTo(_json);
        else if (Get(schema, "enum") is { ValueKind: JsonValueKind.Array } values && values.GetArrayLength() > 0) Named(values).WriteTo(_json);
        else if (Get(schema, "default") is { ValueKind: not JsonValueKind.Undefined } value) value.WriteTo(_json);
        else if (Either(schema) is { ValueKind: JsonValueKind.Object } either && depth > 0) WriteValue(either, depth - 1);
        else WriteType(schema, depth);
    }

    private void WriteType(JsonElement schema, int depth)
    {
        switch (Type(schema))
        {
            case "object":
                WriteObject(schema, depth);
                break;
            case "array":
                _json.WriteStartArray();
                if (depth > 0 && Get(schema, "items") is { ValueKind: JsonValueKind.Object } items) WriteValue(items, depth - 1);
                _json.WriteEndArray();
                break;
            case "integer" or "number":
                _json.WriteNumberValue(Number(schema));
                break;
            case "boolean":
                _json.WriteBooleanValue(true);
                break;
            case "null":
                _json.WriteNullValue();
                break;
            default:
                _json.WriteStringValue(Word(schema));
                break;
        }
    }

    /// <summary>What an object must have; all that it may have, if it must have nothing.</summary>
    private void WriteObject(JsonElement schema, int depth)
    {
        schema = Resolve(schema);
        _json.WriteStartObject();
        if (depth > 0 && Get(schema, "properties") is { ValueKind: JsonValueKind.Object } properties)
        {
            var required = Get(schema, "required") is { ValueKind: JsonValueKind.Array } names
                ? names.EnumerateArray().Where(n => n.ValueKind == JsonValueKind.String).Select(n => n.GetString()!).ToHashSet()
                : [];
            foreach (var property in properties.EnumerateObject())
            {
                if (required.Count > 0 && !required.Contains(property.Name)) continue;
                _json.WritePropertyName(property.Name);
                WriteValue(property.Value, depth - 1);
            }
        }

        _json.WriteEndObject();
    }

    private JsonElement Named(JsonElement values)
    {
        foreach (var value in values.EnumerateArray())
        {
            if (value.ValueKind == JsonValueKind.String && _prompt.Contains(value.GetString()!, StringComparison.OrdinalIgnoreCase)) return value;
        }

        return values[0];
    }

    private static string? Type(JsonElement schema) => Get(schema, "type") switch
    {
        { ValueKind: JsonValueKind.String } type => type.GetString(),
        { ValueKind: JsonValueKind.Array } types when types.GetArrayLength() > 0 => types[0].ToString(),
        _ => Get(schema, "properties").ValueKind == JsonValueKind.Object ? "object" : null,
    };

    private static JsonElement Either(JsonElement schema)
    {
        foreach (var word in (ReadOnlySpan<string>)["anyOf", "oneOf", "allOf"])
        {
            if (Get(schema, word) is { ValueKind: JsonValueKind.Array } options && options.GetArrayLength() > 0) return options[0];
        }

        return default;
    }

    private decimal Number(JsonElement schema)
    {
        var number = _numbers.TryDequeue(out var said) ? decimal.Parse(said, CultureInfo.InvariantCulture) : 3;
        if (Get(schema, "minimum") is { ValueKind: JsonValueKind.Number } least && least.TryGetDecimal(out var min)) number = Math.Max(number, min);
        if (Get(schema, "maximum") is { ValueKind: JsonValueKind.Number } most && most.TryGetDecimal(out var max)) number = Math.Min(number, max);
        return Type(schema) == "integer" ? decimal.Truncate(number) : number;
    }

    private string Word(JsonElement schema)
    {
        switch (String(schema, "format"))
        {
            case "date": return "2026-01-15";
            case "date-time": return "2026-01-15T12:00:00Z";
            case "email": return "someone@example.com";
            case "uri" or "url": return "https://example.com/";
        }

        var word = _words.TryDequeue(out var next) ? next : "example";
        return Get(schema, "maxLength") is { ValueKind: JsonValueKind.Number } most && most.TryGetInt32(out var length) && length < word.Length
            ? word[..Math.Max(0, length)]
            : word;
    }

    /// <summary>Follows a reference within the schema, <c>#/$defs/city</c>.</summary>
    private JsonElement Resolve(JsonElement schema)
    {
        if (String(schema, "$ref") is not { } path || !path.StartsWith("#/", StringComparison.Ordinal)) return schema;
        var target = _schema;
        foreach (var name in path[2..].Split('/')) target = Get(target, name);
        return target;
    }

    // Not the first word of a sentence, whose capital says nothing.
    [GeneratedRegex(@"(?<=[\p{Ll}\p{Nd},:;] )\p{Lu}[\p{L}-]+(?: \p{Lu}[\p{L}-]+)*", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Capitalized();

    [GeneratedRegex(@"(?<![\w.])\d{1,9}(\.\d{1,9})?(?![\w.]*\w)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Digits();
}
