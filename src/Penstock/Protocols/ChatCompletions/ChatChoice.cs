using System.Text.Json;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>Numbers the blocks of an answer.</summary>
internal sealed class BlockCounter
{
    public int Next { get; set; }
}

/// <summary>One of the <c>n</c> answers while it is read: which block is open, and why it finished.</summary>
internal sealed class ChatChoice(int index, BlockCounter blocks) : IChoice
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
        ChatReasoning.Take(delta, this, sink);
        if (JsonValue.IsArray(delta.Content)) TakeParts(delta.Content, sink);
        else Append(BlockKind.Text, new GenerationEvent { Kind = EventKind.Delta, Text = JsonValue.Inside(delta.Content), LogProbs = LogProbsOf(delta) }, sink);
        Append(BlockKind.Refusal, JsonValue.Inside(delta.Refusal), sink);
        if (JsonValue.IsArray(delta.Annotations)) ChatCitations.TakeAnnotations(delta.Annotations, this, sink);
        if (JsonValue.IsArray(delta.Images)) ChatImages.Take(delta.Images, this, sink);
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
            _ when reason.SequenceEqual("length"u8) || reason.SequenceEqual("model_length"u8) => // the latter is Mistral's
                FinishReason.Length,
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

    /// <summary>Adds text to the block of that kind, which is opened if it is not the open one; nothing where there is none.</summary>
    public void Append(BlockKind kind, ReadOnlySpan<byte> text, IEventSink sink) =>
        Append(kind, new GenerationEvent { Kind = EventKind.Delta, Text = text }, sink);

    /// <summary>The same with what else a delta may hold.</summary>
    public void Append(BlockKind kind, in GenerationEvent delta, IEventSink sink)
    {
        if (delta.Text.IsEmpty && delta.Signature.IsEmpty && delta.LogProbs.IsEmpty && delta.Citation.IsEmpty) return;
        if (_open < 0 || _openKind != kind) Open(kind, name: null, sink);
        sink.Write(new GenerationEvent
        {
            Kind = EventKind.Delta,
            Block = _open,
            Text = delta.Text,
            Signature = delta.Signature,
            LogProbs = delta.LogProbs,
            Citation = delta.Citation,
        });
    }

    /// <summary>Adds a block that came whole.</summary>
    public void AddWhole(BlockKind kind, string? name, in GenerationEvent delta, IEventSink sink)
    {
        Open(kind, name, sink);
        Append(kind, delta, sink);
        CloseOpen(sink);
    }

    private void TakeParts(ReadOnlySpan<byte> parts, IEventSink sink)
    {
        var reader = new Utf8JsonReader(parts);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("text"u8)) Append(BlockKind.Text, JsonValue.Inside(JsonValue.Read(ref reader, parts)), sink);
                else if (reader.ValueTextEquals("thinking"u8)) ChatReasoning.TakeThinking(JsonValue.Read(ref reader, parts), this, sink);
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

    private void Open(BlockKind kind, string? name, IEventSink sink)
    {
        CloseOpen(sink);
        _openKind = kind;
        _open = blocks.Next++;
        sink.Write(new GenerationEvent { Kind = EventKind.BlockStart, Block = _open, BlockKind = kind, Choice = index, Name = name });
    }

    private void CloseOpen(IEventSink sink)
    {
        if (_open < 0) return;
        sink.Write(new GenerationEvent { Kind = EventKind.BlockStop, Block = _open });
        _open = -1;
    }
}
