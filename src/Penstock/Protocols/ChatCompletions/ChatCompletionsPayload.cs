using System.Text.Json;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>
/// What passing a provider's payload on needs to know of it: where its <c>id</c> stands, which is ours to replace,
/// and whether it is one that the client must not see.
/// </summary>
internal readonly ref struct ChatCompletionsPayload
{
    /// <summary>The payload without the white space around it.</summary>
    public required ReadOnlySpan<byte> Json { get; init; }

    /// <summary>Where the top-level id's value begins and ends; or, where there is none, where a member may be put in, twice.</summary>
    public int IdStart { get; init; }

    public int IdEnd { get; init; }

    public bool HasId { get; init; }

    /// <summary>The object has no members at all.</summary>
    public bool IsEmpty { get; init; }

    /// <summary>The chunk that holds usage and no choices.</summary>
    public bool IsUsageOnly { get; init; }

    /// <summary>An error, or the terminal <c>[DONE]</c>: the generator has endings of its own.</summary>
    public bool IsEnding { get; init; }

    /// <summary>Raw JSON of <c>model</c>; empty where absent.</summary>
    public ReadOnlySpan<byte> Model { get; init; }

    /// <summary>Raw JSON of <c>created</c>; empty where absent.</summary>
    public ReadOnlySpan<byte> Created { get; init; }

    /// <summary>Reads the top level of a payload. Allocates nothing.</summary>
    /// <exception cref="JsonException">It is not JSON.</exception>
    public static ChatCompletionsPayload Read(ReadOnlySpan<byte> json)
    {
        json = json.Trim(" \t\r\n"u8);
        if (!JsonValue.IsObject(json)) return new() { Json = json, IsEnding = true };
        int idStart = 1, idEnd = 1;
        bool hasId = false, hasChoices = false, hasUsage = false, isError = false, isEmpty = true;
        ReadOnlySpan<byte> model = default, created = default;
        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            isEmpty = false;
            if (reader.ValueTextEquals("id"u8))
            {
                hasId = true;
                var length = JsonValue.Read(ref reader, json).Length;
                idEnd = (int)reader.BytesConsumed;
                idStart = idEnd - length;
            }
            else if (reader.ValueTextEquals("choices"u8))
            {
                reader.Read();
                if (reader.TokenType == JsonTokenType.StartArray)
                {
                    reader.Read();
                    if (reader.TokenType == JsonTokenType.EndArray) continue;
                    hasChoices = true;
                    do reader.Skip(); while (reader.Read() && reader.TokenType != JsonTokenType.EndArray);
                }
                else
                {
                    reader.Skip();
                }
            }
            else if (reader.ValueTextEquals("usage"u8)) hasUsage = JsonValue.IsObject(JsonValue.Read(ref reader, json));
            else if (reader.ValueTextEquals("error"u8)) isError = IsError(JsonValue.Read(ref reader, json));
            else if (reader.ValueTextEquals("model"u8)) model = JsonValue.Read(ref reader, json);
            else if (reader.ValueTextEquals("created"u8)) created = JsonValue.Read(ref reader, json);
            else reader.Skip();
        }

        return new()
        {
            Json = json,
            IdStart = idStart,
            IdEnd = idEnd,
            HasId = hasId,
            IsEmpty = isEmpty,
            IsUsageOnly = hasUsage && !hasChoices,
            IsEnding = isError,
            Model = model,
            Created = created,
        };
    }

    /// <summary>Whether the value of an <c>error</c> member is an error: some send null, or an empty one, with every chunk.</summary>
    public static bool IsError(ReadOnlySpan<byte> value) => JsonValue.IsObject(value) ? value.Length > 2 : JsonValue.Inside(value).Length > 0;

    /// <summary>How long what <see cref="Append"/> appends can be, at most.</summary>
    public int MaxLength(ReadOnlySpan<byte> id) => Json.Length + id.Length + 16;

    /// <summary>Appends the payload with our id (raw JSON) in place of the provider's, on one line; every other byte is the provider's.</summary>
    public void Append(ReadOnlySpan<byte> id, ref SpanWriter writer)
    {
        writer.AppendOnOneLine(Json[..IdStart]);
        if (!HasId) writer.Append("\"id\":"u8);
        writer.Append(id);
        if (!HasId && !IsEmpty) writer.Append(","u8);
        writer.AppendOnOneLine(Json[IdEnd..]);
    }
}
