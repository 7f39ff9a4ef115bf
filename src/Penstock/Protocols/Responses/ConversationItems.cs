using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>Items as a conversation keeps them: each with an id, a type, and what was said as parts.</summary>
internal static class ConversationItems
{
    private static readonly byte[] _idFirst = [.. "{\"id\":\""u8];

    private static readonly JsonDocumentOptions _deep = new() { MaxDepth = JsonValue.MaxDepth };

    /// <summary>The items of a request to put some in.</summary>
    /// <param name="body">The request's body.</param>
    /// <param name="newId">Makes the id of an item from its prefix and its place, where it has none.</param>
    /// <exception cref="RequestException">They are not items of this protocol.</exception>
    public static IReadOnlyList<ReadOnlyMemory<byte>> Read(JsonElement body, Func<string, int, string> newId)
    {
        if (!RequestJson.TryGet(body, "items", out var items)) return [];
        if (items.ValueKind != JsonValueKind.Array) throw RequestJson.WrongType("items", "a list of items", items);
        if (items.GetArrayLength() == 0) return [];
        Check(items);
        return Normalize(items, newId);
    }

    /// <summary>The items of a response's own input.</summary>
    /// <param name="body">The body of the request, without the conversation before it.</param>
    /// <param name="newId">Makes the id of an item from its prefix and its place, where it has none.</param>
    public static IReadOnlyList<ReadOnlyMemory<byte>> ReadInput(ReadOnlyMemory<byte> body, Func<string, int, string> newId)
    {
        using var document = JsonDocument.Parse(body, _deep);
        if (!RequestJson.TryGet(document.RootElement, "input", out var input)) return [];
        var list = new ArrayBufferWriter<byte>(body.Length);
        using (var json = JsonOutput.New(list))
        {
            json.WriteStartArray();
            ResponsesConversation.WriteInputItems(input, json);
            json.WriteEndArray();
        }

        using var items = JsonDocument.Parse(list.WrittenMemory, _deep);
        return Normalize(items.RootElement, newId);
    }

    /// <summary>The items of a response that has ended, but for what was cut in them and is nothing to go on from: half a call, half a thought.</summary>
    public static IReadOnlyList<ReadOnlyMemory<byte>> ReadOutput(ReadOnlyMemory<byte> response)
    {
        using var document = JsonDocument.Parse(response, _deep);
        var items = new List<ReadOnlyMemory<byte>>();
        foreach (var item in JsonParts.Objects(document.RootElement, "output"))
        {
            var isCut = JsonParts.String(item, "status"u8) is "incomplete" or "in_progress" && JsonParts.String(item, "type"u8) != "message";
            if (!isCut) items.Add(JsonParts.Raw(item).ToArray());
        }

        return items;
    }

    /// <summary>The item's id; null where it has none.</summary>
    public static string? IdOf(byte[] item)
    {
        if (LengthOfFirstId(item) is var length and >= 0) return Encoding.UTF8.GetString(item.AsSpan(_idFirst.Length, length));
        using var document = JsonDocument.Parse(item, _deep);
        return JsonParts.String(document.RootElement, "id"u8);
    }

    /// <summary>The item under another id.</summary>
    public static byte[] WithId(byte[] item, string id)
    {
        if (LengthOfFirstId(item) is var length and >= 0) return [.. _idFirst, .. JsonText.ToJson(id).AsSpan()[1..^1], .. item.AsSpan((_idFirst.Length + length)..)];
        using var document = JsonDocument.Parse(item, _deep);
        return Write(document.RootElement, id, addStatus: false);
    }

    // The id comes first, if not in what some provider made: so a long history need not be parsed. Negative where it does not.
    private static int LengthOfFirstId(byte[] item)
    {
        if (!item.AsSpan().StartsWith(_idFirst)) return -1;
        var length = item.AsSpan(_idFirst.Length).IndexOfAny((byte)'"', (byte)'\\');
        return length >= 0 && item[_idFirst.Length + length] == '"' ? length : -1;
    }

    // In the same words as a response's input, whose place they will have.
    private static void Check(JsonElement items)
    {
        try
        {
            var approvals = new ResponsesApprovals();
            new ResponsesInput([], [], approvals).Read(items);
            if (approvals.Asks) throw RequestJson.Error("invalid_value", "input", "'input' has an mcp_approval_request, which only a response makes: leave it out."); // else a client could have any call made
        }
        catch (RequestException e)
        {
            throw new RequestException(e.Message.Replace("'input", "'items", StringComparison.Ordinal)) { Code = e.Code, Param = e.Param?.Replace("input", "items", StringComparison.Ordinal) };
        }
    }

    private static List<ReadOnlyMemory<byte>> Normalize(JsonElement items, Func<string, int, string> newId)
    {
        var normalized = new List<ReadOnlyMemory<byte>>();
        foreach (var item in items.EnumerateArray())
            normalized.Add(Write(item, JsonParts.String(item, "id"u8) ?? newId(PrefixOf(item), normalized.Count), addStatus: true));
        return normalized;
    }

    private static byte[] Write(JsonElement item, string id, bool addStatus)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var json = JsonOutput.New(output))
        {
            json.WriteStartObject();
            json.Text("id"u8, id);
            var hasType = item.TryGetProperty("type"u8, out var type);
            if (!hasType) json.WriteString("type"u8, "message"u8);
            var isMessage = !hasType || (type.ValueKind == JsonValueKind.String && type.ValueEquals("message"u8));
            if (addStatus && isMessage && !item.TryGetProperty("status"u8, out _)) json.WriteString("status"u8, "completed"u8);
            foreach (var member in item.EnumerateObject())
            {
                if (!member.NameEquals("id"u8)) ResponsesConversation.WriteListed(item, member, json);
            }

            json.WriteEndObject();
        }

        return output.WrittenSpan.ToArray();
    }

    private static string PrefixOf(JsonElement item) => JsonParts.String(item, "type"u8) switch
    {
        null or "message" => "msg_",
        "function_call" => "fc_",
        "function_call_output" => "fco_",
        "reasoning" => "rs_",
        _ => "item_",
    };
}
