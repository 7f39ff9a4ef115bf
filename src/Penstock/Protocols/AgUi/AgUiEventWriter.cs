using System.Buffers;
using Penstock.Protocols.Native;

namespace Penstock.Protocols.AgUi;

/// <summary>Writes the first answer of a generation as the events of one run.</summary>
internal sealed class AgUiEventWriter(AgUiRun run, string messageId) : EventWriter
{
    private readonly Dictionary<int, Block> _blocks = [];
    private Usage? _usage;
    private int _part; // frames of the event that is written

    public override void Write(in GenerationEvent generationEvent, EventId id, IBufferWriter<byte> output)
    {
        _part = 0;
        _usage = generationEvent.Usage ?? _usage;
        switch (generationEvent.Kind)
        {
            case EventKind.Started:
                End(Named(output, "RUN_STARTED"u8), id);
                break;
            case EventKind.Trimmed when generationEvent.Trimmed is { } trimmed:
                End(new TypedFrame(output, "CUSTOM"u8).Text(",\"name\":"u8, "trimmed").Raw(",\"value\":"u8, NativeEventWriter.TrimmedObject(trimmed)), id);
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
            case EventKind.Finished:
                WriteFinished(output, "{\"type\":\"success\"}"u8, id);
                break;
            case EventKind.Stopped:
                WriteFinished(output, generationEvent.Reason == FinishReason.Length ? "{\"type\":\"success\"}"u8 : "{\"type\":\"cancelled\"}"u8, id);
                break;
            case EventKind.Failed or EventKind.Interrupted:
                var error = generationEvent.Error;
                End(new TypedFrame(output, "RUN_ERROR"u8).Text(",\"message\":"u8, error?.Message ?? "The answer ended too early: try again.").Text(",\"code\":"u8, error?.Code ?? "interrupted"), id);
                break;
        }
    }

    private void WriteBlockStart(in GenerationEvent start, EventId id, IBufferWriter<byte> output)
    {
        var block = new Block(start.BlockKind, start.BlockKind == BlockKind.ToolCall ? start.Id ?? $"call_{start.Block}" : $"{messageId}_{start.Block}");
        _blocks[start.Block] = block;
        switch (start.BlockKind)
        {
            case BlockKind.Text or BlockKind.Refusal:
                End(Message(output, "TEXT_MESSAGE_START"u8, block).Text(",\"role\":"u8, "assistant"), id);
                break;
            case BlockKind.Reasoning:
                End(Message(output, "REASONING_START"u8, block), id, isLast: false);
                End(Message(output, "REASONING_MESSAGE_START"u8, block).Text(",\"role\":"u8, "reasoning"), id);
                break;
            case BlockKind.ToolCall:
                End(new TypedFrame(output, "TOOL_CALL_START"u8).Text(",\"toolCallId\":"u8, block.Id).Text(",\"toolCallName\":"u8, start.Name ?? ""), id);
                break;
        }
    }

    private void WriteDelta(Block block, in GenerationEvent delta, EventId id, IBufferWriter<byte> output)
    {
        if (!delta.Signature.IsEmpty) (block.Signature ??= new()).Write(delta.Signature);
        if (delta.Text.IsEmpty) return; // the protocol takes no empty delta
        switch (block.Kind)
        {
            case BlockKind.Text or BlockKind.Refusal:
                End(Message(output, "TEXT_MESSAGE_CONTENT"u8, block).Escaped(",\"delta\":"u8, delta.Text), id);
                break;
            case BlockKind.Reasoning:
                End(Message(output, "REASONING_MESSAGE_CONTENT"u8, block).Escaped(",\"delta\":"u8, delta.Text), id);
                break;
            case BlockKind.ToolCall:
                End(new TypedFrame(output, "TOOL_CALL_ARGS"u8).Text(",\"toolCallId\":"u8, block.Id).Escaped(",\"delta\":"u8, delta.Text), id);
                break;
        }
    }

    private void WriteBlockStop(Block block, EventId id, IBufferWriter<byte> output)
    {
        switch (block.Kind)
        {
            case BlockKind.Text or BlockKind.Refusal:
                End(Message(output, "TEXT_MESSAGE_END"u8, block), id);
                break;
            case BlockKind.Reasoning:
                End(Message(output, "REASONING_MESSAGE_END"u8, block), id, isLast: false);
                WriteSignature(block, "message", id, output);
                End(Message(output, "REASONING_END"u8, block), id);
                break;
            case BlockKind.ToolCall:
                WriteSignature(block, "tool-call", id, output);
                End(new TypedFrame(output, "TOOL_CALL_END"u8).Text(",\"toolCallId\":"u8, block.Id), id);
                break;
        }
    }

    // It comes back in the message, and a provider wants to see it again.
    private void WriteSignature(Block block, string subtype, EventId id, IBufferWriter<byte> output)
    {
        if (block.Signature is not { } signature) return;
        End(new TypedFrame(output, "REASONING_ENCRYPTED_VALUE"u8).Text(",\"subtype\":"u8, subtype).Text(",\"entityId\":"u8, block.Id).Escaped(",\"encryptedValue\":"u8, signature.WrittenSpan), id, isLast: false);
    }

    private void WriteFinished(IBufferWriter<byte> output, ReadOnlySpan<byte> outcome, EventId id)
    {
        var frame = Named(output, "RUN_FINISHED"u8).Raw(",\"outcome\":"u8, outcome);
        if (_usage is not null) frame = frame.Raw(",\"usage\":"u8, UsageJson(_usage));
        End(frame, id);
    }

    private static ReadOnlySpan<byte> UsageJson(Usage usage)
    {
        var json = new ArrayBufferWriter<byte>();
        json.Write("[{"u8);
        JsonText.WriteNumber("\"inputTokens\":"u8, usage.InputTokens ?? 0, json);
        JsonText.WriteNumber(",\"outputTokens\":"u8, usage.OutputTokens ?? 0, json);
        JsonText.WriteNumber(",\"cachedInputTokens\":"u8, usage.CachedInputTokens, json);
        JsonText.WriteNumber(",\"reasoningTokens\":"u8, usage.ReasoningTokens, json);
        json.Write("}]"u8);
        return json.WrittenSpan;
    }

    private TypedFrame Named(IBufferWriter<byte> output, ReadOnlySpan<byte> type) =>
        new TypedFrame(output, type).Text(",\"threadId\":"u8, run.ThreadId).Text(",\"runId\":"u8, run.RunId);

    private static TypedFrame Message(IBufferWriter<byte> output, ReadOnlySpan<byte> type, Block block) => new TypedFrame(output, type).Text(",\"messageId\":"u8, block.Id);

    private void End(TypedFrame frame, EventId id, bool isLast = true) => frame.End(isLast ? id : id with { Part = ++_part });

    private sealed class Block(BlockKind kind, string id)
    {
        public BlockKind Kind => kind;

        public string Id => id;

        public ArrayBufferWriter<byte>? Signature { get; set; }
    }
}
