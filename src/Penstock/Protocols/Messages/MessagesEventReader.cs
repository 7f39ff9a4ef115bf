using System.Text.Json;

namespace Penstock.Protocols.Messages;

/// <summary>
/// Reads the events of a Messages provider. The payload's own <c>type</c> says what it is, since some servers leave the
/// <c>event:</c> line out. A token's event is read in one pass and allocates nothing.
/// </summary>
/// <remarks>https://docs.claude.com/en/docs/build-with-claude/streaming</remarks>
internal sealed class MessagesEventReader : EventReader
{
    private readonly MessagesBlocks _blocks = new();
    private readonly MessagesUsage _usage = new();
    private bool _begun;

    public override Usage? Usage => _usage.ToUsage();

    public override void Read(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> payload, IEventSink sink)
    {
        payload = payload.Trim(" \t\r\n"u8);
        if (eventName.SequenceEqual("error"u8))
        {
            SetError(payload); // whatever it looks like
            return;
        }

        if (payload.IsEmpty || payload.SequenceEqual("[DONE]"u8)) return; // the latter from servers that grew out of Chat Completions
        ReadPayload(payload, sink);
    }

    public override void ReadWhole(ReadOnlySpan<byte> body, IEventSink sink)
    {
        ReadPayload(body.Trim(" \t\r\n"u8), sink);
        if (Error is null && !Finished) throw new ProviderFormatException("The answer is not a message.");
    }

    private void ReadPayload(ReadOnlySpan<byte> payload, IEventSink sink)
    {
        try
        {
            var reader = new Utf8JsonReader(payload);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new ProviderFormatException("The payload is not a JSON object.");
            // Members come in any order, so all are found before any is acted upon.
            var index = 0;
            ReadOnlySpan<byte> type = default, inner = default, usage = default, error = default;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("type"u8)) type = JsonValue.Inside(JsonValue.Read(ref reader, payload));
                else if (reader.ValueTextEquals("index"u8)) index = Index(ref reader);
                else if (reader.ValueTextEquals("delta"u8) || reader.ValueTextEquals("content_block"u8) || reader.ValueTextEquals("message"u8)) inner = JsonValue.Read(ref reader, payload);
                else if (reader.ValueTextEquals("usage"u8)) usage = JsonValue.Read(ref reader, payload);
                else if (reader.ValueTextEquals("error"u8)) error = JsonValue.Read(ref reader, payload);
                else reader.Skip();
            }

            reader.Read(); // whatever follows the object is an error
            if (JsonValue.IsObject(error) || JsonValue.IsString(error) || type.SequenceEqual("error"u8) || (type.IsEmpty && ProviderErrorReader.IsDetail(payload))) SetError(payload);
            else Take(type, index, inner, usage, payload, sink);
        }
        catch (JsonException e)
        {
            throw new ProviderFormatException($"The payload is not valid JSON at byte {e.BytePositionInLine}.", e);
        }
        catch (InvalidOperationException e)
        {
            throw new ProviderFormatException("A name in the payload holds half of a surrogate pair.", e);
        }
    }

    private void Take(ReadOnlySpan<byte> type, int index, ReadOnlySpan<byte> inner, ReadOnlySpan<byte> usage, ReadOnlySpan<byte> payload, IEventSink sink)
    {
        if (type.SequenceEqual("content_block_delta"u8))
        {
            if (JsonValue.IsObject(inner)) _blocks.Append(index, inner, sink);
        }
        else if (type.SequenceEqual("content_block_start"u8))
        {
            if (JsonValue.IsObject(inner)) _blocks.Start(index, inner, sink);
        }
        else if (type.SequenceEqual("content_block_stop"u8))
        {
            _blocks.Stop(index, sink);
        }
        else if (type.SequenceEqual("message_start"u8))
        {
            if (JsonValue.IsObject(inner)) TakeMessage(inner, begins: true, sink);
        }
        else if (type.SequenceEqual("message_delta"u8))
        {
            _usage.Take(usage);
            if (JsonValue.IsObject(inner)) TakeMessageDelta(inner, sink);
        }
        else if (type.SequenceEqual("message_stop"u8))
        {
            Finish(default, sink);
            Done = true;
        }
        else if (type.SequenceEqual("message"u8))
        {
            TakeMessage(payload, begins: false, sink);
            Finish(default, sink);
            Done = true;
        }
    }

    /// <summary>Takes a message: one that begins, or a whole one. The second beginning of a stream says nothing new.</summary>
    private void TakeMessage(ReadOnlySpan<byte> message, bool begins, IEventSink sink)
    {
        ReadOnlySpan<byte> content = default, reason = default;
        var reader = new Utf8JsonReader(message);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("model"u8)) TakeModel(JsonValue.Read(ref reader, message));
            else if (reader.ValueTextEquals("usage"u8)) _usage.Take(JsonValue.Read(ref reader, message), atStart: begins);
            else if (reader.ValueTextEquals("content"u8)) content = JsonValue.Read(ref reader, message);
            else if (reader.ValueTextEquals("stop_reason"u8)) reason = JsonValue.Inside(JsonValue.Read(ref reader, message));
            else reader.Skip();
        }

        if (!_begun && JsonValue.IsArray(content)) TakeContent(content, sink);
        _begun = true;
        if (!reason.IsEmpty) Finish(reason, sink);
    }

    private void TakeContent(ReadOnlySpan<byte> content, IEventSink sink)
    {
        var reader = new Utf8JsonReader(content);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            _blocks.Start(index: -1, JsonValue.ReadCurrent(ref reader, content), sink);
            _blocks.Stop(index: -1, sink);
        }
    }

    private void TakeMessageDelta(ReadOnlySpan<byte> delta, IEventSink sink)
    {
        var reader = new Utf8JsonReader(delta);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("stop_reason"u8) && JsonValue.Inside(JsonValue.Read(ref reader, delta)) is { IsEmpty: false } reason) Finish(reason, sink);
            else reader.Skip();
        }
    }

    private void Finish(ReadOnlySpan<byte> reason, IEventSink sink)
    {
        if (Finished) return;
        _blocks.StopAll(sink);
        Finished = true;
        if (!reason.IsEmpty) Reason = MessagesStopReason.Read(reason);
        else Reason = _blocks.AnyCall ? FinishReason.ToolCalls : FinishReason.Stop;
    }

    private void SetError(ReadOnlySpan<byte> payload) => Error ??= ProviderErrorReader.Read(payload);

    private static int Index(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var index) && index >= 0) return index;
        throw new ProviderFormatException("A block's index is not a whole number.");
    }
}
