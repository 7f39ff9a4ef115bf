using System.Text.Json;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>Reads reasoning in a delta: one thing under several names, and with signatures in one of them.</summary>
internal static class ChatReasoning
{
    public static void Take(in ChatDelta delta, ChatChoice choice, IEventSink sink)
    {
        // Whoever sends more than one sends the same text in each.
        var text = JsonValue.Inside(delta.ReasoningContent);
        if (text.IsEmpty) text = JsonValue.Inside(delta.Reasoning);
        choice.Append(BlockKind.Reasoning, text, sink);
        if (!JsonValue.IsArray(delta.ReasoningDetails)) return;

        var reader = new Utf8JsonReader(delta.ReasoningDetails);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
            TakeDetail(ref reader, delta.ReasoningDetails, hasText: !text.IsEmpty, choice, sink);
    }

    /// <summary>A <c>thinking</c> part of Mistral's: a string, or a list of parts.</summary>
    public static void TakeThinking(ReadOnlySpan<byte> thinking, ChatChoice choice, IEventSink sink)
    {
        choice.Append(BlockKind.Reasoning, JsonValue.Inside(thinking), sink);
        if (!JsonValue.IsArray(thinking)) return;
        var reader = new Utf8JsonReader(thinking);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("text"u8)) choice.Append(BlockKind.Reasoning, JsonValue.Inside(JsonValue.Read(ref reader, thinking)), sink);
                else reader.Skip();
            }
        }
    }

    private static void TakeDetail(ref Utf8JsonReader reader, ReadOnlySpan<byte> details, bool hasText, ChatChoice choice, IEventSink sink)
    {
        ReadOnlySpan<byte> text = default, signature = default, data = default;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("text"u8) || reader.ValueTextEquals("summary"u8)) text = JsonValue.Inside(JsonValue.Read(ref reader, details));
            else if (reader.ValueTextEquals("signature"u8)) signature = JsonValue.Inside(JsonValue.Read(ref reader, details));
            else if (reader.ValueTextEquals("data"u8)) data = JsonValue.Inside(JsonValue.Read(ref reader, details));
            else reader.Skip();
        }

        if (!data.IsEmpty) choice.AddWhole(BlockKind.Reasoning, "redacted", new GenerationEvent { Kind = EventKind.Delta, Signature = data }, sink);
        else choice.Append(BlockKind.Reasoning, new GenerationEvent { Kind = EventKind.Delta, Text = hasText ? default : text, Signature = signature }, sink);
    }
}
