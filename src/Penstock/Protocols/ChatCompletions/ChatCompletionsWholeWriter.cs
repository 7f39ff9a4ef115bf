using System.Buffers;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>Writes a generation as one <c>chat.completion</c> document: the provider's own, or one gathered from events.</summary>
internal sealed class ChatCompletionsWholeWriter(GenerationRequest request, string chunkId, DateTimeOffset createdAt) : EventWriter
{
    private readonly ChatCompletionsChunk _head = new(request, chunkId, createdAt);
    private readonly SortedDictionary<int, Block> _blocks = [];
    private Usage? _usage;
    private bool _written;

    public override void WritePayload(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> payload, EventId id, IBufferWriter<byte> output)
    {
        var parsed = ChatCompletionsPayload.Read(payload);
        if (parsed.IsEnding) return;
        var writer = new SpanWriter(output.GetSpan(parsed.MaxLength(_head.Id)));
        parsed.Append(_head.Id, ref writer);
        output.Advance(writer.Length);
        _written = true;
    }

    public override void Write(in GenerationEvent generationEvent, EventId id, IBufferWriter<byte> output)
    {
        _usage = generationEvent.Usage ?? _usage;
        switch (generationEvent.Kind)
        {
            case EventKind.Started:
                _head.TakeModel(generationEvent.Model);
                break;
            case EventKind.BlockStart:
                var callId = generationEvent.Id ?? ChatCompletionsJson.NewId(chunkId, generationEvent.Block);
                _blocks[generationEvent.Block] = new Block(generationEvent.BlockKind, generationEvent.Choice, callId, generationEvent.Name, new());
                break;
            case EventKind.Delta when _blocks.TryGetValue(generationEvent.Block, out var block):
                block.Text.Write(generationEvent.Text);
                break;
            case EventKind.Reset:
                _blocks.Clear();
                break;
            case EventKind.Finished when !_written:
                WriteAnswer(generationEvent.Reason, generationEvent.Reasons, output);
                break;
            case EventKind.Stopped when !_written:
                WriteAnswer(FinishReason.Stop, null, output);
                break;
        }
    }

    private void WriteAnswer(FinishReason reason, IReadOnlyList<FinishReason>? reasons, IBufferWriter<byte> output)
    {
        output.Write("{"u8);
        _head.WriteHeadMembers("chat.completion"u8, output);
        output.Write(",\"choices\":["u8);
        for (var choice = 0; choice < request.Choices; choice++)
        {
            output.Write(choice == 0 ? "{\"index\":"u8 : ",{\"index\":"u8);
            JsonText.WriteNumber(choice, output);
            output.Write(",\"message\":{\"role\":\"assistant\",\"content\":"u8);
            WriteText(choice, BlockKind.Text, output);
            output.Write(",\"refusal\":"u8);
            WriteText(choice, BlockKind.Refusal, output);
            if (Has(choice, BlockKind.Reasoning))
            {
                output.Write(",\"reasoning_content\":"u8);
                WriteText(choice, BlockKind.Reasoning, output);
            }

            WriteToolCalls(choice, output);
            output.Write("},\"logprobs\":null,\"finish_reason\":"u8);
            output.Write(ChatCompletionsJson.FinishReason(reasons is not null && choice < reasons.Count ? reasons[choice] : reason));
            output.Write("}"u8);
        }

        output.Write("]"u8);
        if (_usage is { } usage)
        {
            output.Write(",\"usage\":"u8);
            ChatCompletionsUsage.Write(usage, output);
        }

        output.Write("}"u8);
        _written = true;
    }

    private bool Has(int choice, BlockKind kind) => _blocks.Values.Any(b => b.Choice == choice && b.Kind == kind);

    /// <summary>All text of a kind as one string; null where there is none.</summary>
    private void WriteText(int choice, BlockKind kind, IBufferWriter<byte> output)
    {
        if (!Has(choice, kind))
        {
            // A message says something: text, a refusal or calls; an empty answer is empty text.
            var empty = kind == BlockKind.Text && !Has(choice, BlockKind.Refusal) && !Has(choice, BlockKind.ToolCall);
            output.Write(empty ? "\"\""u8 : "null"u8);
            return;
        }

        output.Write("\""u8);
        foreach (var block in _blocks.Values)
        {
            if (block.Choice == choice && block.Kind == kind) output.Write(block.Text.WrittenSpan);
        }

        output.Write("\""u8);
    }

    private void WriteToolCalls(int choice, IBufferWriter<byte> output)
    {
        var first = true;
        foreach (var block in _blocks.Values)
        {
            if (block.Choice != choice || block.Kind != BlockKind.ToolCall) continue;
            output.Write(first ? ",\"tool_calls\":[{"u8 : ",{"u8);
            ChatCompletionsJson.WriteCall(block.CallId, block.Name, output);
            output.Write(block.Text.WrittenSpan);
            output.Write("\"}}"u8);
            first = false;
        }

        if (!first) output.Write("]"u8);
    }

    private sealed record Block(BlockKind Kind, int Choice, string CallId, string? Name, ArrayBufferWriter<byte> Text);
}
