using System.Text.Json;

namespace Penstock.Protocols.Messages;

/// <summary>What passing a provider's payload on needs to know of it: its type, the block it speaks of, and where the message's <c>id</c> stands, which is ours to replace.</summary>
internal readonly ref struct MessagesPayload
{
    /// <summary>The payload without the white space around it.</summary>
    public required ReadOnlySpan<byte> Json { get; init; }

    /// <summary>The inside of <c>type</c>; empty where it is absent, or the payload is no object.</summary>
    public ReadOnlySpan<byte> Type { get; init; }

    public int Index { get; init; }

    /// <summary>Where the id's value begins and ends; or, where there is none, where a member may be put in, twice.</summary>
    public int IdStart { get; init; }

    public int IdEnd { get; init; }

    /// <summary>It holds a message, and so an id.</summary>
    public bool HasMessage { get; init; }

    public bool HasId => IdEnd > IdStart;

    /// <summary>Reads the top level of a payload. Allocates nothing.</summary>
    /// <exception cref="JsonException">It is not JSON.</exception>
    public static MessagesPayload Read(ReadOnlySpan<byte> json)
    {
        json = json.Trim(" \t\r\n"u8);
        if (!JsonValue.IsObject(json)) return new() { Json = json };
        ReadOnlySpan<byte> type = default;
        int index = -1, topStart = 1, topEnd = 1, start = 0, end = 0;
        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("type"u8)) type = JsonValue.Inside(JsonValue.Read(ref reader, json));
            else if (reader.ValueTextEquals("id"u8)) (topStart, topEnd) = Place(ref reader, json);
            else if (reader.ValueTextEquals("index"u8))
            {
                reader.Read();
                if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out index)) reader.Skip();
            }
            else if (reader.ValueTextEquals("message"u8)) (start, end) = PlaceInMessage(ref reader, json);
            else reader.Skip();
        }

        var whole = type.SequenceEqual("message"u8);
        return new()
        {
            Json = json,
            Type = type,
            Index = index,
            IdStart = whole ? topStart : start,
            IdEnd = whole ? topEnd : end,
            HasMessage = whole || start > 0,
        };
    }

    /// <summary>How long what <see cref="Append"/> appends can be, at most.</summary>
    public int MaxLength(ReadOnlySpan<byte> id) => Json.Length + id.Length + 16;

    /// <summary>Appends the payload with our id (raw JSON) in place of the provider's, on one line; every other byte is the provider's.</summary>
    public void Append(ReadOnlySpan<byte> id, ref SpanWriter writer)
    {
        writer.AppendOnOneLine(Json[..IdStart]);
        if (HasMessage)
        {
            if (!HasId) writer.Append("\"id\":"u8);
            writer.Append(id);
            if (!HasId && Json[IdEnd..].TrimStart(" \t\r\n"u8) is not [(byte)'}', ..]) writer.Append(","u8);
        }

        writer.AppendOnOneLine(Json[IdEnd..]);
    }

    private static (int Start, int End) Place(ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        var length = JsonValue.Read(ref reader, json).Length;
        var end = (int)reader.BytesConsumed;
        return (end - length, end);
    }

    private static (int Start, int End) PlaceInMessage(ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return default;
        }

        var place = ((int)reader.BytesConsumed, (int)reader.BytesConsumed);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("id"u8)) place = Place(ref reader, json);
            else reader.Skip();
        }

        return place;
    }
}
