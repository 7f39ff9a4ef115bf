using System.Text.Json;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>Numbers the blocks of an answer.</summary>
internal sealed class BlockCounter
{
    public int Next { get; set; }
}

/// <summary>One of the <c>n</c> answers while it is read: which blocks are open, and why it finished.</summary>
internal sealed class ChatChoice(int index, BlockCounter blocks)
{
    private readonly ChatToolCalls _calls = new(index, blocks);
    private BlockKind _openKind;
    private int _open = -1;

    public int Index => index;

    /// <summary>The finish reason that was said, if it was.</summary>
    public FinishReason? Finish { get; private set; }

    /// <summary>Why it finished; many providers say "stop" after tool calls.</summary>
    public FinishReason Reason => Finish switch
    {
        null or FinishReason.Stop when _calls.Any => FinishReason.ToolCalls,
        { } reason => reason,
        null => FinishReason.Stop,
    };

    public void Take(in ChatDelta delta, IEventSink sink)
    {
        TakeReasoning(delta, sink);
        if (JsonValue.IsArray(delta.Content)) TakeParts(delta.Content, sink);
        else Append(BlockKind.Text, JsonValue.Inside(delta.Content), default, LogProbsOf(delta), sink);
        Append(BlockKind.Refusal, JsonValue.Inside(delta.Refusal), default, default, sink);
        if (JsonValue.IsObject(delta.FunctionCall))
        {
            CloseOpen(sink);
            _calls.TakeLegacy(delta.FunctionCall, sink);
        }

        if (!JsonValue.IsArray(delta.ToolCalls)) return;
        var reader = new Utf8JsonReader(delta.ToolCalls);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            CloseOpen(sink);
            _calls.Take(JsonValue.ReadCurrent(ref reader, delta.ToolCalls), sink);
        }

        _calls.EndPayload();
    }

    /// <summary>The provider says that this answer is finished.</summary>
    public void End(ReadOnlySpan<byte> reason, IEventSink sink)
    {
        Close(sink);
        Finish = reason switch
        {
            _ when reason.SequenceEqual("stop"u8) => FinishReason.Stop,
            _ when reason.SequenceEqual("length"u8) => FinishReason.Length,
            _ when reason.SequenceEqual("tool_calls"u8) || reason.SequenceEqual("function_call"u8) => FinishReason.ToolCalls,
            _ when reason.SequenceEqual("content_filter"u8) => FinishReason.ContentFilter,
            _ => FinishReason.Other,
        };
    }

    public void Close(IEventSink sink)
    {
        CloseOpen(sink);
        _calls.Close(sink);
    }

    private void TakeReasoning(in ChatDelta delta, IEventSink sink)
    {
        // One thing under several names: whoever sends more than one sends the same text in each.
        var text = JsonValue.Inside(delta.ReasoningContent);
        if (text.IsEmpty) text = JsonValue.Inside(delta.Reasoning);
        Append(BlockKind.Reasoning, text, default, default, sink);
        if (!JsonValue.IsArray(delta.ReasoningDetails)) return;

        var reader = new Utf8JsonReader(delta.ReasoningDetails);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            ReadOnlySpan<byte> detail = default, signature = default;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("text"u8) || reader.ValueTextEquals("summary"u8)) detail = JsonValue.Inside(JsonValue.Read(ref reader, delta.ReasoningDetails));
                else if (reader.ValueTextEquals("signature"u8)) signature = JsonValue.Inside(JsonValue.Read(ref reader, delta.ReasoningDetails));
                else reader.Skip();
            }

            Append(BlockKind.Reasoning, text.IsEmpty ? detail : default, signature, default, sink);
        }
    }

    private void TakeParts(ReadOnlySpan<byte> parts, IEventSink sink)
    {
        var reader = new Utf8JsonReader(parts);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("text"u8)) Append(BlockKind.Text, JsonValue.Inside(JsonValue.Read(ref reader, parts)), default, default, sink);
                else if (reader.ValueTextEquals("thinking"u8)) TakeThinking(JsonValue.Read(ref reader, parts), sink);
                else reader.Skip();
            }
        }
    }

    private void TakeThinking(ReadOnlySpan<byte> thinking, IEventSink sink)
    {
        Append(BlockKind.Reasoning, JsonValue.Inside(thinking), default, default, sink);
        if (!JsonValue.IsArray(thinking)) return;
        var reader = new Utf8JsonReader(thinking);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("text"u8)) Append(BlockKind.Reasoning, JsonValue.Inside(JsonValue.Read(ref reader, thinking)), default, default, sink);
                else reader.Skip();
            }
        }
    }

    /// <summary>Log probabilities may come without text (a token that is a piece of a character), but never open a block.</summary>
    private ReadOnlySpan<byte> LogProbsOf(in ChatDelta delta)
    {
        if (!JsonValue.IsObject(delta.LogProbs)) return default;
        var hasText = !JsonValue.Inside(delta.Content).IsEmpty;
        return hasText || (_open >= 0 && _openKind == BlockKind.Text) ? delta.LogProbs : default;
    }

    private void Append(BlockKind kind, ReadOnlySpan<byte> text, ReadOnlySpan<byte> signature, ReadOnlySpan<byte> logProbs, IEventSink sink)
    {
        if (text.IsEmpty && signature.IsEmpty && logProbs.IsEmpty) return;
        if (_open < 0 || _openKind != kind)
        {
            CloseOpen(sink);
            _openKind = kind;
            _open = blocks.Next++;
            sink.Write(new GenerationEvent { Kind = EventKind.BlockStart, Block = _open, BlockKind = kind, Choice = index });
        }

        sink.Write(new GenerationEvent { Kind = EventKind.Delta, Block = _open, Text = text, Signature = signature, LogProbs = logProbs });
    }

    private void CloseOpen(IEventSink sink)
    {
        if (_open < 0) return;
        sink.Write(new GenerationEvent { Kind = EventKind.BlockStop, Block = _open });
        _open = -1;
    }
}
