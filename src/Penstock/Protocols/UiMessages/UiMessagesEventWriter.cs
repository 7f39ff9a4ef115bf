using System.Buffers;
using Penstock.Protocols.Native;
using Penstock.Sse;

namespace Penstock.Protocols.UiMessages;

/// <summary>Writes a generation as a UI message stream: its first answer is one message of one step.</summary>
internal sealed class UiMessagesEventWriter(string messageId) : EventWriter
{
    private readonly Dictionary<int, Block> _blocks = [];
    private int _part; // frames of the event that is written

    public override void Write(in GenerationEvent generationEvent, EventId id, IBufferWriter<byte> output)
    {
        _part = 0;
        switch (generationEvent.Kind)
        {
            case EventKind.Started:
                var start = new TypedFrame(output, "start"u8).Text(",\"messageId\":"u8, messageId);
                End(start, id, isLast: false);
                End(new TypedFrame(output, "start-step"u8), id);
                break;
            case EventKind.Trimmed when generationEvent.Trimmed is { } trimmed:
                // For who is told of the stream's data as it comes, and no part of the message.
                End(new TypedFrame(output, "data-trimmed"u8).Raw(",\"data\":"u8, NativeEventWriter.TrimmedObject(trimmed)).Raw(",\"transient\":"u8, "true"u8), id);
                break;
            case EventKind.BlockStart when generationEvent.Choice == 0:
                WriteBlockStart(generationEvent, id, output);
                break;
            case EventKind.Delta when _blocks.TryGetValue(generationEvent.Block, out var block):
                WriteDelta(block, generationEvent, id, output);
                break;
            case EventKind.BlockStop when _blocks.Remove(generationEvent.Block, out var stopped):
                WriteBlockStop(stopped, id, output);
                break;
            case EventKind.Reset:
                _blocks.Clear();
                break;
            case EventKind.Finished or EventKind.Stopped when generationEvent is { Kind: EventKind.Finished } or { Reason: FinishReason.Length }: // a limit cut it
                End(new TypedFrame(output, "finish-step"u8), id, isLast: false);
                End(new TypedFrame(output, "finish"u8).Raw(",\"finishReason\":"u8, Reason(generationEvent.Reason)), id, isLast: false);
                WriteDone(id, output);
                break;
            case EventKind.Stopped:
                End(new TypedFrame(output, "abort"u8).Text(",\"reason\":"u8, generationEvent.StopReason ?? "requested"), id, isLast: false);
                WriteDone(id, output);
                break;
            case EventKind.Failed or EventKind.Interrupted:
                End(new TypedFrame(output, "error"u8).Text(",\"errorText\":"u8, generationEvent.Error?.Message ?? "The answer ended too early: try again."), id);
                break;
        }
    }

    private void WriteBlockStart(in GenerationEvent start, EventId id, IBufferWriter<byte> output)
    {
        var block = new Block(start) { Id = start.BlockKind == BlockKind.ToolCall ? start.Id ?? $"call_{start.Block}" : $"{start.Block}" };
        _blocks[start.Block] = block;
        switch (start.BlockKind)
        {
            case BlockKind.Text or BlockKind.Refusal:
                End(new TypedFrame(output, "text-start"u8).Text(",\"id\":"u8, block.Id), id);
                break;
            case BlockKind.Reasoning:
                End(new TypedFrame(output, "reasoning-start"u8).Text(",\"id\":"u8, block.Id), id);
                break;
            case BlockKind.ToolCall:
                End(new TypedFrame(output, "tool-input-start"u8).Text(",\"toolCallId\":"u8, block.Id).Text(",\"toolName\":"u8, block.Name), id);
                break;
        }
    }

    private void WriteDelta(Block block, in GenerationEvent delta, EventId id, IBufferWriter<byte> output)
    {
        if (!delta.Signature.IsEmpty) block.Signature.Write(delta.Signature);
        if (!delta.Citation.IsEmpty && Citation.Read(delta.Citation) is { Url: { } url } source)
        {
            var frame = new TypedFrame(output, "source-url"u8).Text(",\"sourceId\":"u8, $"{block.Id}.{id.Offset}").Text(",\"url\":"u8, url);
            if (source.Title is { } title) frame = frame.Text(",\"title\":"u8, title);
            End(frame, id, isLast: delta.Text.IsEmpty);
        }

        if (delta.Text.IsEmpty) return;
        switch (block.Kind)
        {
            case BlockKind.Text or BlockKind.Refusal:
                End(new TypedFrame(output, "text-delta"u8).Text(",\"id\":"u8, block.Id).Escaped(",\"delta\":"u8, delta.Text), id);
                break;
            case BlockKind.Reasoning:
                End(new TypedFrame(output, "reasoning-delta"u8).Text(",\"id\":"u8, block.Id).Escaped(",\"delta\":"u8, delta.Text), id);
                break;
            case BlockKind.ToolCall:
                block.High = JsonText.Unescape(delta.Text, block.High, block.Whole);
                End(new TypedFrame(output, "tool-input-delta"u8).Text(",\"toolCallId\":"u8, block.Id).Escaped(",\"inputTextDelta\":"u8, delta.Text), id);
                break;
            case BlockKind.Image:
                block.Whole.Write(delta.Text);
                break;
        }
    }

    private void WriteBlockStop(Block block, EventId id, IBufferWriter<byte> output)
    {
        switch (block.Kind)
        {
            case BlockKind.Text or BlockKind.Refusal:
                End(new TypedFrame(output, "text-end"u8).Text(",\"id\":"u8, block.Id), id);
                break;
            case BlockKind.Reasoning:
                End(Sign(new TypedFrame(output, "reasoning-end"u8).Text(",\"id\":"u8, block.Id), block), id);
                break;
            case BlockKind.ToolCall:
                var input = JsonValue.IsWholeObject(block.Whole.WrittenSpan) ? block.Whole.WrittenSpan : "{}"u8;
                var call = new TypedFrame(output, "tool-input-available"u8).Text(",\"toolCallId\":"u8, block.Id).Text(",\"toolName\":"u8, block.Name);
                End(Sign(call.Raw(",\"input\":"u8, input), block), id);
                break;
            case BlockKind.Image:
                var type = block.Name.Length == 0 ? "image/png" : block.Name;
                End(new TypedFrame(output, "file"u8).Text(",\"mediaType\":"u8, type).Data(",\"url\":"u8, type, block.Whole.WrittenSpan), id);
                break;
        }
    }

    private void End(TypedFrame frame, EventId id, bool isLast = true) => frame.End(isLast ? id : id with { Part = ++_part });

    // A provider's proof must come back with the next turn; the client keeps what is in this member.
    private static TypedFrame Sign(TypedFrame frame, Block block)
    {
        if (block.Signature.WrittenCount == 0) return frame;
        frame = frame.Escaped(",\"providerMetadata\":{\"penstock\":{\"signature\":"u8, block.Signature.WrittenSpan);
        return block.Name == "redacted" ? frame.Raw(",\"redacted\":"u8, "true}}"u8) : frame.Raw("}"u8, "}"u8);
    }

    private static void WriteDone(EventId id, IBufferWriter<byte> output)
    {
        SseWriter.Data(output, "[DONE]"u8);
        id.WriteLine(output);
        SseWriter.End(output);
    }

    private static ReadOnlySpan<byte> Reason(FinishReason reason) => reason switch
    {
        FinishReason.Stop => "\"stop\""u8,
        FinishReason.Length => "\"length\""u8,
        FinishReason.ToolCalls => "\"tool-calls\""u8,
        FinishReason.ContentFilter => "\"content-filter\""u8,
        _ => "\"other\""u8,
    };

    private sealed class Block(in GenerationEvent start)
    {
        public BlockKind Kind { get; } = start.BlockKind;

        public string Name { get; } = start.Name ?? "";

        public required string Id { get; init; }

        public ArrayBufferWriter<byte> Signature { get; } = new();

        /// <summary>A call's arguments as JSON, an image as base64: the protocol shows them whole as well.</summary>
        public ArrayBufferWriter<byte> Whole { get; } = new();

        public char High { get; set; }
    }
}
