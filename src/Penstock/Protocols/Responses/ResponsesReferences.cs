using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>
/// Items that an input only names, <c>{"type":"item_reference","id":"msg_…_0"}</c>: of stored responses, of what was put into them, and of
/// what the request goes on from. The AI SDK sends back all that was said that way. Ids of others' making that are not found there stay as
/// they are, for the provider that made them. What a response asked its client
/// to allow is taken from there too, though the client sends it whole: what it allows is what the model said.
/// </summary>
internal static class ResponsesReferences
{
    private const string Type = "item_reference";
    private const int HexLength = 32;

    /// <summary>The ids of items that a body refers to, and whether it is nothing without the item. The body may be anything.</summary>
    public static IReadOnlyList<(string Id, bool IsNeeded)> Read(ReadOnlyMemory<byte> body)
    {
        if (!RequestJson.MayHave(body, "item_reference"u8) && !RequestJson.MayHave(body, "mcp_approval_request\""u8)) return [];
        using var document = RequestJson.Parse(body, ResponsesRequestReader.Example);
        return [.. from item in JsonParts.Objects(document.RootElement, "input") let id = IdOf(item) where id is not null select (id, JsonParts.String(item, "type"u8) == Type && IsOurs(id))];
    }

    /// <summary>The response that holds the item: <c>resp_X</c> for <c>msg_X_0</c>.</summary>
    public static string ResponseOf(string itemId) => $"resp_{itemId.AsSpan(itemId.IndexOf('_') + 1, HexLength)}";

    /// <summary>The items of a response, by their ids.</summary>
    public static IEnumerable<KeyValuePair<string, byte[]>> ItemsOf(ReadOnlyMemory<byte> response)
    {
        using var document = JsonDocument.Parse(response, new JsonDocumentOptions { MaxDepth = JsonValue.MaxDepth });
        foreach (var item in JsonParts.Objects(document.RootElement, "output"))
        {
            if (JsonParts.String(item, "id"u8) is { } id) yield return new(id, JsonParts.Raw(item).ToArray());
        }
    }

    /// <summary>The body with the items in place of what refers to them.</summary>
    public static byte[] Resolve(ReadOnlyMemory<byte> body, IReadOnlyDictionary<string, byte[]> items)
    {
        using var document = RequestJson.Parse(body, ResponsesRequestReader.Example);
        var output = new ArrayBufferWriter<byte>(body.Length * 2);
        using (var json = JsonOutput.New(output))
        {
            json.WriteStartObject();
            foreach (var member in document.RootElement.EnumerateObject())
            {
                json.WritePropertyName(RequestJson.Name(member));
                if (!member.NameEquals("input"u8))
                {
                    json.WriteRawValue(JsonParts.Raw(member.Value), skipInputValidation: true);
                    continue;
                }

                json.WriteStartArray();
                foreach (var item in member.Value.EnumerateArray())
                {
                    if (IdOf(item) is not { } id) json.WriteRawValue(JsonParts.Raw(item), skipInputValidation: true);
                    else if (items.TryGetValue(id, out var whole)) json.WriteRawValue(whole, skipInputValidation: true);
                    else if (!IsOurs(id)) json.WriteRawValue(JsonParts.Raw(item), skipInputValidation: true);
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        return output.WrittenSpan.ToArray();
    }

    private static string? IdOf(JsonElement item)
    {
        if (item.ValueKind != JsonValueKind.Object || JsonParts.String(item, "type"u8) is not (Type or "mcp_approval_request") || JsonParts.String(item, "id"u8) is not { } id) return null;
        return JsonParts.String(item, "type"u8) == Type || IsOurs(id) ? id : null;
    }

    /// <summary>Whether an item's id is of our making: <c>msg_X_0</c>.</summary>
    public static bool IsOurs(string id)
    {
        var hex = id.AsSpan(id.IndexOf('_') + 1);
        return hex.Length > HexLength && hex[HexLength] == '_' && !hex[..HexLength].ContainsAnyExcept("0123456789abcdef");
    }
}
