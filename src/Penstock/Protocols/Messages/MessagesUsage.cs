using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.Messages;

/// <summary>
/// Gathers usage, which comes twice, the second time cumulative: <c>message_start</c> and <c>message_delta</c>.
/// What the protocol counts apart (cache reads and writes) our <see cref="Usage"/> counts as input.
/// </summary>
internal sealed class MessagesUsage
{
    private long? _input;
    private long? _cacheRead;
    private long? _cacheWrite;
    private long? _output;
    private long? _thinking;

    /// <summary>Takes what a usage object says; what it leaves out, or says to be null, stays.</summary>
    /// <param name="json">The object.</param>
    /// <param name="atStart">It came before the answer, when what it says of the output means nothing yet.</param>
    public void Take(ReadOnlySpan<byte> json, bool atStart = false)
    {
        if (!JsonValue.IsObject(json)) return;
        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("input_tokens"u8)) _input = JsonValue.ReadCount(ref reader) ?? _input;
            else if (!atStart && reader.ValueTextEquals("output_tokens"u8)) _output = JsonValue.ReadCount(ref reader) ?? _output;
            else if (reader.ValueTextEquals("cache_read_input_tokens"u8)) _cacheRead = JsonValue.ReadCount(ref reader) ?? _cacheRead;
            else if (reader.ValueTextEquals("cache_creation_input_tokens"u8)) _cacheWrite = JsonValue.ReadCount(ref reader) ?? _cacheWrite;
            else if (reader.ValueTextEquals("output_tokens_details"u8)) TakeDetails(JsonValue.Read(ref reader, json));
            else reader.Skip();
        }
    }

    /// <summary>All that was said, or null.</summary>
    public Usage? ToUsage()
    {
        if (_input is null && _output is null) return null;
        var input = _input is null ? null : _input + (_cacheRead ?? 0) + (_cacheWrite ?? 0);
        return new Usage
        {
            InputTokens = input,
            OutputTokens = _output,
            TotalTokens = input + _output,
            CachedInputTokens = _cacheRead,
            CacheWriteTokens = _cacheWrite,
            ReasoningTokens = _thinking,
        };
    }

    /// <summary>Writes a usage object. SDKs want both numbers always, so what is unknown is 0 there.</summary>
    public static void Write(Usage? usage, IBufferWriter<byte> output)
    {
        var cached = (usage?.CachedInputTokens ?? 0) + (usage?.CacheWriteTokens ?? 0);
        JsonText.WriteNumber("{\"input_tokens\":"u8, Math.Max(0, (usage?.InputTokens ?? 0) - cached), output);
        JsonText.WriteNumber(",\"cache_creation_input_tokens\":"u8, usage?.CacheWriteTokens, output);
        JsonText.WriteNumber(",\"cache_read_input_tokens\":"u8, usage?.CachedInputTokens, output);
        JsonText.WriteNumber(",\"output_tokens\":"u8, usage?.OutputTokens ?? 0, output);
        if (usage?.ReasoningTokens is not null)
        {
            JsonText.WriteNumber(",\"output_tokens_details\":{\"thinking_tokens\":"u8, usage.ReasoningTokens, output);
            output.Write("}"u8);
        }

        output.Write("}"u8);
    }

    private void TakeDetails(ReadOnlySpan<byte> json)
    {
        if (!JsonValue.IsObject(json)) return;
        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("thinking_tokens"u8)) _thinking = JsonValue.ReadCount(ref reader) ?? _thinking;
            else reader.Skip();
        }
    }
}
