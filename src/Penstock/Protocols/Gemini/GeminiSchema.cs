using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Penstock.Protocols.Gemini;

/// <summary>
/// Turns Gemini's own dialect of schemas into JSON Schema: types in upper case, <c>nullable</c>, numbers as strings.
/// https://ai.google.dev/api/caching#Schema
/// </summary>
internal static class GeminiSchema
{
    /// <summary>Reads a schema that may be given in either language, each under a name of its own; empty where it is absent.</summary>
    public static byte[] Read(JsonElement parent, string jsonSchemaName, string name, string path)
    {
        if (GeminiJson.TryGetObject(parent, jsonSchemaName, $"{path}.{jsonSchemaName}", out var schema)) return JsonMarshal.GetRawUtf8Value(schema).ToArray();
        if (!GeminiJson.TryGetObject(parent, name, $"{path}.{name}", out schema)) return [];
        var output = new ArrayBufferWriter<byte>();
        using (var json = JsonOutput.New(output)) Write(schema, json);
        return output.WrittenSpan.ToArray();
    }

    private static void Write(JsonElement schema, Utf8JsonWriter json)
    {
        if (schema.ValueKind != JsonValueKind.Object)
        {
            WriteRaw(schema, json);
            return;
        }

        var nullable = GeminiJson.TryGet(schema, "nullable", out var mark) && mark.ValueKind == JsonValueKind.True;
        json.WriteStartObject();
        foreach (var (name, value) in GeminiJson.Members(schema))
        {
            switch (name)
            {
                case "nullable" or "propertyOrdering": // said with the type, and not a matter of what is valid
                    break;
                case "type" when value.ValueKind == JsonValueKind.String:
                    WriteType(RequestJson.Text(value).ToLowerInvariant(), nullable, json);
                    break;
                case "enum" when nullable && value.ValueKind == JsonValueKind.Array:
                    json.WriteStartArray("enum"u8);
                    foreach (var item in value.EnumerateArray()) WriteRaw(item, json);
                    json.WriteNullValue();
                    json.WriteEndArray();
                    break;
                case "properties" when value.ValueKind == JsonValueKind.Object:
                    json.WriteStartObject("properties"u8);
                    foreach (var property in value.EnumerateObject())
                    {
                        WriteName(RequestJson.Name(property), json);
                        Write(property.Value, json);
                    }

                    json.WriteEndObject();
                    break;
                case "anyOf" when value.ValueKind == JsonValueKind.Array:
                    json.WriteStartArray("anyOf"u8);
                    foreach (var item in value.EnumerateArray()) Write(item, json);
                    json.WriteEndArray();
                    break;
                case "items":
                    json.WritePropertyName("items"u8);
                    Write(value, json);
                    break;
                case "example":
                    json.WriteStartArray("examples"u8);
                    WriteRaw(value, json);
                    json.WriteEndArray();
                    break;
                case "minItems" or "maxItems" or "minLength" or "maxLength" or "minProperties" or "maxProperties"
                    when value.ValueKind == JsonValueKind.String && long.TryParse(RequestJson.Text(value), out var number):
                    json.WriteNumber(name, number);
                    break;
                default:
                    WriteName(name, json);
                    WriteRaw(value, json);
                    break;
            }
        }

        json.WriteEndObject();
    }

    private static void WriteType(string type, bool nullable, Utf8JsonWriter json)
    {
        if (type == "type_unspecified") return;
        if (!nullable)
        {
            json.WriteString("type"u8, type);
            return;
        }

        json.WriteStartArray("type"u8);
        json.WriteStringValue(type);
        json.WriteStringValue("null"u8);
        json.WriteEndArray();
    }

    private static void WriteRaw(JsonElement value, Utf8JsonWriter json) => json.WriteRawValue(JsonMarshal.GetRawUtf8Value(value), skipInputValidation: true);

    private static void WriteName(string name, Utf8JsonWriter json) => json.WritePropertyName(name);
}
