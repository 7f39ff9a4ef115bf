using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>What a record of a conversation's log says.</summary>
internal enum ConversationRecordKind : byte
{
    /// <summary>Items were put in.</summary>
    Items,

    /// <summary>A response has begun; its input counts once it is answered.</summary>
    Turn,

    /// <summary>The response has ended, with these items.</summary>
    Answer,

    /// <summary>Nothing came of the response: its input does not count.</summary>
    Void,

    /// <summary>The metadata has changed.</summary>
    Metadata,

    /// <summary>Items were taken out.</summary>
    Delete,
}

/// <summary>How a conversation stands: each record says it anew, so that the newest one is enough to know.</summary>
internal sealed record ConversationHead
{
    /// <summary>When the record was written.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The metadata, a JSON object.</summary>
    public ReadOnlyMemory<byte> Metadata { get; init; } = "{}"u8.ToArray();

    /// <summary>The generation that the conversation waits for; null for none.</summary>
    public string? Turn { get; init; }

    /// <summary>When that began.</summary>
    public DateTimeOffset TurnBegan { get; init; }

    /// <summary>The items that were taken out with this record.</summary>
    public IReadOnlyList<string> Deleted { get; init; } = [];

    /// <summary>The hash of the key that the record was sent with, and of what it was sent with; null for none.</summary>
    public (string Key, string Body)? Key { get; init; }
}

/// <summary>
/// A record of a conversation's log: <c>["items",{head},[item…]]</c>. It begins with a word, which neither a request's body nor a
/// list of items does: so it can stand before them in a request's log, which is a fork of this one.
/// </summary>
internal static class ConversationRecord
{
    private static readonly JsonDocumentOptions _deep = new() { MaxDepth = JsonValue.MaxDepth + 2 };

    /// <summary>Writes a record.</summary>
    /// <param name="kind">What it says.</param>
    /// <param name="head">How the conversation stands with it.</param>
    /// <param name="items">The items, each a JSON object with an id.</param>
    public static byte[] Write(ConversationRecordKind kind, ConversationHead head, IEnumerable<ReadOnlyMemory<byte>> items)
    {
        var output = new ArrayBufferWriter<byte>(512);
        using (var json = JsonOutput.New(output))
        {
            json.WriteStartArray();
            json.WriteStringValue(NameOf(kind));
            json.WriteStartObject();
            json.WriteNumber("at"u8, head.At.ToUnixTimeMilliseconds());
            json.Raw("metadata"u8, head.Metadata);
            if (head.Turn is { } turn)
            {
                json.WriteString("turn"u8, turn);
                json.WriteNumber("began"u8, head.TurnBegan.ToUnixTimeMilliseconds());
            }

            if (head.Deleted.Count > 0)
            {
                json.WriteStartArray("deleted"u8);
                foreach (var id in head.Deleted) json.Text(id);
                json.WriteEndArray();
            }

            if (head.Key is var (key, body))
            {
                json.WriteString("key"u8, key);
                json.WriteString("body"u8, body);
            }

            json.WriteEndObject();
            json.WriteStartArray();
            foreach (var item in items) json.WriteRawValue(item.Span, skipInputValidation: true);
            json.WriteEndArray();
            json.WriteEndArray();
        }

        return output.WrittenSpan.ToArray();
    }

    /// <summary>Whether a piece of a request's log is a record of the conversation before it.</summary>
    public static bool Is(ReadOnlySpan<byte> piece) => piece.StartsWith("[\""u8);

    /// <summary>Reads a record.</summary>
    public static (ConversationRecordKind Kind, ConversationHead Head, IReadOnlyList<byte[]> Items) Read(ReadOnlyMemory<byte> record)
    {
        using var document = JsonDocument.Parse(record, _deep);
        var (name, head, items) = (document.RootElement[0], document.RootElement[1], document.RootElement[2]);
        return (KindOf(name.GetString()), ReadHead(head), [.. items.EnumerateArray().Select(i => JsonParts.Raw(i).ToArray())]);
    }

    private static ConversationHead ReadHead(JsonElement head) => new()
    {
        At = Time(head, "at"u8),
        Metadata = JsonParts.Raw(head.GetProperty("metadata"u8)).ToArray(),
        Turn = JsonParts.String(head, "turn"u8),
        TurnBegan = Time(head, "began"u8),
        Deleted = head.TryGetProperty("deleted"u8, out var ids) ? [.. ids.EnumerateArray().Select(RequestJson.Text)] : [],
        Key = JsonParts.String(head, "key"u8) is { } key && JsonParts.String(head, "body"u8) is { } body ? (key, body) : null,
    };

    private static DateTimeOffset Time(JsonElement head, ReadOnlySpan<byte> name) => DateTimeOffset.FromUnixTimeMilliseconds(JsonParts.Long(head, name) ?? 0);

    private static string NameOf(ConversationRecordKind kind) => kind switch
    {
        ConversationRecordKind.Items => "items",
        ConversationRecordKind.Turn => "turn",
        ConversationRecordKind.Answer => "answer",
        ConversationRecordKind.Void => "void",
        ConversationRecordKind.Metadata => "metadata",
        _ => "delete",
    };

    private static ConversationRecordKind KindOf(string? name)
    {
        var kind = ConversationRecordKind.Items;
        while (kind < ConversationRecordKind.Delete && NameOf(kind) != name) kind++;
        return kind;
    }
}
