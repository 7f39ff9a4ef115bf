using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Penstock.Protocols.Messages;

/// <summary>Bends JSON schemas to what the API asks of them.</summary>
internal static class MessagesSchema
{
    /// <summary>A tool's schema must say that it is an object.</summary>
    public static ReadOnlyMemory<byte> ForTool(ReadOnlyMemory<byte> schema)
    {
        using var document = JsonDocument.Parse(schema, new JsonDocumentOptions { MaxDepth = 256 });
        if (document.RootElement.TryGetProperty("type"u8, out _)) return schema;
        var output = new ArrayBufferWriter<byte>(schema.Length + 32);
        using (var json = JsonOutput.New(output))
        {
            json.WriteStartObject();
            json.WriteString("type"u8, "object"u8);
            foreach (var member in document.RootElement.EnumerateObject())
            {
                json.WritePropertyName(member.Name);
                WriteRaw(member.Value, json);
            }

            json.WriteEndObject();
        }

        return output.WrittenMemory;
    }

    /// <summary>
    /// Every object of an answer's schema must close itself: https://docs.claude.com/en/docs/build-with-claude/structured-outputs.
    /// Other protocols take open ones too, so those that say nothing are closed.
    /// </summary>
    public static ReadOnlyMemory<byte> ForAnswer(ReadOnlyMemory<byte> schema)
    {
        using var document = JsonDocument.Parse(schema, new JsonDocumentOptions { MaxDepth = 256 });
        var output = new ArrayBufferWriter<byte>(schema.Length + 64);
        using (var json = JsonOutput.New(output)) Close(document.RootElement, json);
        return output.WrittenMemory;
    }

    private static void Close(JsonElement schema, Utf8JsonWriter json)
    {
        if (schema.ValueKind != JsonValueKind.Object)
        {
            WriteRaw(schema, json);
            return;
        }

        json.WriteStartObject();
        foreach (var member in schema.EnumerateObject())
        {
            json.WritePropertyName(member.Name);
            switch (member.Name)
            {
                case "properties" or "$defs" or "definitions" when member.Value.ValueKind == JsonValueKind.Object:
                    json.WriteStartObject();
                    foreach (var inner in member.Value.EnumerateObject())
                    {
                        json.WritePropertyName(inner.Name);
                        Close(inner.Value, json);
                    }

                    json.WriteEndObject();
                    break;
                case "anyOf" or "allOf" or "oneOf" when member.Value.ValueKind == JsonValueKind.Array:
                    json.WriteStartArray();
                    foreach (var inner in member.Value.EnumerateArray()) Close(inner, json);
                    json.WriteEndArray();
                    break;
                case "items":
                    Close(member.Value, json);
                    break;
                default:
                    WriteRaw(member.Value, json);
                    break;
            }
        }

        var isObject = schema.TryGetProperty("properties"u8, out _) || (schema.TryGetProperty("type"u8, out var type) && type.ValueKind == JsonValueKind.String && RequestJson.Text(type) == "object");
        if (isObject && !schema.TryGetProperty("additionalProperties"u8, out _)) json.WriteBoolean("additionalProperties"u8, false);
        json.WriteEndObject();
    }

    // As it stands: a text may hold half a surrogate pair, which a writer refuses.
    private static void WriteRaw(JsonElement value, Utf8JsonWriter json) => json.WriteRawValue(JsonMarshal.GetRawUtf8Value(value), skipInputValidation: true);
}
