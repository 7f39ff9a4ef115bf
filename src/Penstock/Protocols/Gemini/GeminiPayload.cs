using System.Text.Json;

namespace Penstock.Protocols.Gemini;

/// <summary>What passing a provider's payload on needs to know of it. Nothing in it is ours to replace.</summary>
internal readonly ref struct GeminiPayload
{
    /// <summary>The payload without the white space around it.</summary>
    public required ReadOnlySpan<byte> Json { get; init; }

    /// <summary>An error, or no chunk at all: the generator has endings of its own.</summary>
    public bool IsEnding { get; init; }

    /// <summary>How many candidates it finishes.</summary>
    public int Finishes { get; init; }

    /// <summary>The prompt was refused: there will be no answer.</summary>
    public bool IsBlocked { get; init; }

    /// <summary>Reads the top level of a payload. Allocates nothing.</summary>
    /// <exception cref="JsonException">It is not JSON.</exception>
    public static GeminiPayload Read(ReadOnlySpan<byte> json)
    {
        json = json.Trim(" \t\r\n"u8);
        if (!JsonValue.IsObject(json)) return new() { Json = json, IsEnding = true };
        var finishes = 0;
        bool isError = false, isBlocked = false;
        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("candidates"u8)) finishes += CountFinishes(ref reader, json);
            else if (reader.ValueTextEquals("promptFeedback"u8)) isBlocked = JsonValue.Read(ref reader, json).IndexOf("\"blockReason\""u8) >= 0;
            else if (reader.ValueTextEquals("error"u8)) isError = IsError(JsonValue.Read(ref reader, json));
            else reader.Skip();
        }

        return new() { Json = json, IsEnding = isError, Finishes = finishes, IsBlocked = isBlocked };
    }

    /// <summary>Whether the value of an <c>error</c> member is an error.</summary>
    public static bool IsError(ReadOnlySpan<byte> value) => JsonValue.IsObject(value) || JsonValue.IsString(value);

    private static int CountFinishes(scoped ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        var count = 0;
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return 0;
        }

        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                reader.Skip();
                continue;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (!reader.ValueTextEquals("finishReason"u8)) reader.Skip();
                else if (GeminiFinish.Read(JsonValue.Inside(JsonValue.Read(ref reader, json))) is not null) count++;
            }
        }

        return count;
    }
}
