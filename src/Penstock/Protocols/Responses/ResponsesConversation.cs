using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>
/// A conversation that goes on from an earlier response (<c>previous_response_id</c>) or is kept as one (<c>conversation</c>): what
/// was said before is put before the new input. The id stays in the body, where it marks that this was done.
/// </summary>
internal static class ResponsesConversation
{
    private const string PreviousId = "previous_response_id";
    private const string Conversation = "conversation";

    private static readonly JsonDocumentOptions _deep = new() { MaxDepth = JsonValue.MaxDepth };

    /// <summary>The response that a body goes on from; null for none. The body may be anything.</summary>
    public static string? ReadPreviousId(ReadOnlyMemory<byte> body)
    {
        if (!RequestJson.MayHave(body, "previous_response_id"u8)) return null;
        using var document = RequestJson.Parse(body, ResponsesRequestReader.Example);
        return RequestJson.String(document.RootElement, PreviousId, PreviousId);
    }

    /// <summary>The conversation that a body is a turn of; null for none. The body may be anything.</summary>
    /// <exception cref="RequestException">It is named in no way there is, or beside a response to go on from.</exception>
    public static string? ReadConversationId(ReadOnlyMemory<byte> body)
    {
        if (!RequestJson.MayHave(body, "conversation"u8)) return null;
        using var document = RequestJson.Parse(body, ResponsesRequestReader.Example);
        return ReadConversationId(document.RootElement);
    }

    /// <inheritdoc cref="ReadConversationId(ReadOnlyMemory{byte})"/>
    public static string? ReadConversationId(JsonElement root)
    {
        if (!RequestJson.TryGet(root, Conversation, out var conversation)) return null;
        if (RequestJson.TryGet(root, PreviousId, out _))
            throw RequestJson.Error("mutually_exclusive_parameters", Conversation, $"'{PreviousId}' and '{Conversation}' exclude each other: send one of them.");
        if (conversation.ValueKind == JsonValueKind.String) return RequestJson.Text(conversation);
        if (conversation.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType(Conversation, "a conversation's id, or an object that has it", conversation);
        return RequestJson.String(conversation, "id", "conversation.id")
            ?? throw RequestJson.Error("missing_required_parameter", "conversation.id", "'conversation.id' is missing: send the conversation's id.");
    }

    public static bool GoesOn(ReadOnlyMemory<byte> body) => ReadPreviousId(body) is not null || ReadConversationId(body) is not null;

    /// <summary>The body with the earlier items before its own.</summary>
    /// <param name="body">The client's body.</param>
    /// <param name="earlier">A conversation's records, the earlier requests' bodies, and the lists of items that were answered, the oldest first.</param>
    public static byte[] Join(ReadOnlyMemory<byte> body, IReadOnlyList<ReadOnlyMemory<byte>> earlier)
    {
        using var own = RequestJson.Parse(body, ResponsesRequestReader.Example);
        var output = new ArrayBufferWriter<byte>(body.Length + earlier.Sum(e => e.Length));
        using (var json = JsonOutput.New(output))
        {
            json.WriteStartObject();
            foreach (var member in own.RootElement.EnumerateObject())
            {
                if (!member.NameEquals("input"u8)) WriteMember(member, json);
            }

            json.WriteStartArray("input"u8);
            var kept = new ConversationFold();
            var records = earlier.TakeWhile(piece => ConversationRecord.Is(piece.Span)).ToList();
            foreach (var record in records) kept.Take(record);
            foreach (var item in kept.Items) json.WriteRawValue(item.Json.Span, skipInputValidation: true);
            foreach (var piece in earlier.Skip(records.Count))
            {
                using var before = JsonDocument.Parse(piece, _deep);
                if (before.RootElement.ValueKind == JsonValueKind.Object) WriteItems(before.RootElement, json);
                else foreach (var item in before.RootElement.EnumerateArray()) Raw(item, json);
            }

            WriteItems(own.RootElement, json);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return output.WrittenSpan.ToArray();
    }

    /// <summary>The items of a response, as a list.</summary>
    public static byte[] OutputOf(ReadOnlyMemory<byte> response)
    {
        using var document = JsonDocument.Parse(response, _deep);
        var output = new ArrayBufferWriter<byte>(response.Length);
        using (var json = JsonOutput.New(output))
        {
            json.WriteStartArray();
            foreach (var item in JsonParts.Objects(document.RootElement, "output")) Raw(item, json);
            json.WriteEndArray();
        }

        return output.WrittenSpan.ToArray();
    }

    /// <summary>
    /// Writes a joined body's input for a provider: without the items' ids, which mean nothing to it or not any more, and without
    /// the items that are nothing without theirs.
    /// </summary>
    public static void WriteInput(ReadOnlyMemory<byte> body, IBufferWriter<byte> output)
    {
        using var document = JsonDocument.Parse(body, _deep);
        output.Write("\"input\":"u8);
        using var json = JsonOutput.New(output);
        json.WriteStartArray();
        var decided = JsonParts.Objects(document.RootElement, "input").Select(i => JsonParts.String(i, "approval_request_id"u8)).OfType<string>().ToHashSet(StringComparer.Ordinal);
        foreach (var item in JsonParts.Objects(document.RootElement, "input"))
        {
            var isDecided = JsonParts.String(item, "type"u8) == "mcp_approval_request" && JsonParts.String(item, "id"u8) is { } id && decided.Contains(id);
            if (!isDecided) WriteItem(item, json);
        }

        json.WriteEndArray();
    }

    private static void WriteItem(JsonElement item, Utf8JsonWriter json)
    {
        var type = JsonParts.String(item, "type"u8) ?? "message";
        if (type is "item_reference" or "compaction" || type.StartsWith("mcp_", StringComparison.Ordinal))
        {
            if (type == "mcp_call") WriteServerCall(item, json);
            else if (ResponsesApprovals.IdOf(item) is null) Raw(item, json);
            return;
        }

        if (ResponsesItemTypes.IsRecord(type)) return;
        if (type == "reasoning" && JsonParts.Inside(item, "encrypted_content"u8).IsEmpty) return;
        json.WriteStartObject();
        foreach (var member in item.EnumerateObject())
        {
            var ours = member.NameEquals("id"u8) || member.NameEquals("extra_content"u8) || (member.NameEquals("status"u8) && type is "message" or "reasoning");
            if (!ours) WriteMember(member, json);
        }

        json.WriteEndObject();
    }

    /// <summary>A call of the server's tools is to the model one like any other.</summary>
    private static void WriteServerCall(JsonElement item, Utf8JsonWriter json)
    {
        if ((JsonParts.String(item, "error"u8) ?? JsonParts.String(item, "output"u8)) is not { } output || JsonParts.String(item, "id"u8) is not { } id) return;
        json.WriteStartObject();
        json.WriteString("type"u8, "function_call"u8);
        json.Text("call_id"u8, id);
        json.Text("name"u8, JsonParts.String(item, "name"u8) ?? "");
        json.Text("arguments"u8, JsonParts.String(item, "arguments"u8) ?? "{}");
        json.WriteEndObject();
        json.WriteStartObject();
        json.WriteString("type"u8, "function_call_output"u8);
        json.Text("call_id"u8, id);
        json.Text("output"u8, output);
        json.WriteEndObject();
    }

    /// <summary>Writes a body's input as items, whichever way it was said.</summary>
    private static void WriteItems(JsonElement body, Utf8JsonWriter json)
    {
        if (RequestJson.TryGet(body, "input", out var input)) WriteInputItems(input, json);
    }

    /// <summary>Writes an input as items, whichever way it was said.</summary>
    public static void WriteInputItems(JsonElement input, Utf8JsonWriter json)
    {
        if (input.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in input.EnumerateArray()) Raw(item, json);
            return;
        }

        if (input.ValueKind != JsonValueKind.String) throw RequestJson.WrongType("input", "a string or a list of items", input);
        json.WriteStartObject();
        json.WriteString("type"u8, "message"u8);
        json.WriteString("role"u8, "user"u8);
        json.WriteStartArray("content"u8);
        json.WriteStartObject();
        json.WriteString("type"u8, "input_text"u8);
        json.WritePropertyName("text"u8);
        Raw(input, json);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>The input's items as <c>GET …/input_items</c> lists them, each with an id.</summary>
    public static IReadOnlyList<(string Id, byte[] Json)> ListInput(ReadOnlyMemory<byte> body, string responseId)
    {
        using var document = JsonDocument.Parse(body, _deep);
        var items = new ArrayBufferWriter<byte>();
        using (var json = JsonOutput.New(items))
        {
            json.WriteStartArray();
            WriteItems(document.RootElement, json);
            json.WriteEndArray();
        }

        using var list = JsonDocument.Parse(items.WrittenMemory, _deep);
        var listed = new List<(string, byte[])>();
        foreach (var item in list.RootElement.EnumerateArray())
        {
            var id = JsonParts.String(item, "id"u8) ?? $"item_{responseId.AsSpan(responseId.IndexOf('_') + 1)}_{listed.Count}";
            var output = new ArrayBufferWriter<byte>();
            using (var json = JsonOutput.New(output))
            {
                json.WriteStartObject();
                json.Text("id"u8, id);
                if (!item.TryGetProperty("type"u8, out _)) json.WriteString("type"u8, "message"u8);
                foreach (var member in item.EnumerateObject())
                {
                    if (!member.NameEquals("id"u8)) WriteListed(item, member, json);
                }

                json.WriteEndObject();
            }

            listed.Add((id, output.WrittenSpan.ToArray()));
        }

        return listed;
    }

    /// <summary>Writes a member of an item as it is listed: what was said as a string is parts there.</summary>
    public static void WriteListed(JsonElement item, JsonProperty member, Utf8JsonWriter json)
    {
        if (member.NameEquals("content"u8) && member.Value.ValueKind == JsonValueKind.String) WriteText(item, member.Value, json);
        else WriteMember(member, json);
    }

    private static void WriteText(JsonElement item, JsonElement text, Utf8JsonWriter json)
    {
        json.WriteStartArray("content"u8);
        json.WriteStartObject();
        json.WriteString("type"u8, JsonParts.String(item, "role"u8) == "assistant" ? "output_text"u8 : "input_text"u8);
        json.WritePropertyName("text"u8);
        Raw(text, json);
        json.WriteEndObject();
        json.WriteEndArray();
    }

    private static void WriteMember(JsonProperty member, Utf8JsonWriter json)
    {
        json.WritePropertyName(RequestJson.Name(member));
        Raw(member.Value, json);
    }

    private static void Raw(JsonElement value, Utf8JsonWriter json) => json.WriteRawValue(JsonParts.Raw(value), skipInputValidation: true);
}
