using System.Buffers;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>Writes a generation as one <c>chat.completion</c> document: the provider's own, or one gathered from events.</summary>
internal sealed class ChatCompletionsWholeWriter(GenerationRequest request, string chunkId, DateTimeOffset createdAt) : EventWriter
{
    private readonly ChatCompletionsChunk _head = new(request, chunkId, createdAt);
    private readonly SortedDictionary<int, ChatMessageBlock> _blocks = [];
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
                _blocks[generationEvent.Block] = new ChatMessageBlock(generationEvent.BlockKind, generationEvent.Choice, generationEvent.Id, generationEvent.Name);
                break;
            case EventKind.Delta when _blocks.TryGetValue(generationEvent.Block, out var block):
                block.Add(generationEvent);
                break;
            case EventKind.BlockStop when _blocks.TryGetValue(generationEvent.Block, out var stopped):
                stopped.IsStopped = true;
                break;
            case EventKind.Reset:
                _blocks.Clear();
                break;
            case EventKind.Finished when !_written:
                WriteAnswer(generationEvent.Reason, generationEvent.Reasons, output);
                break;
            case EventKind.Stopped when !_written:
                foreach (var (number, half) in _blocks.ToList())
                {
                    if (half is { IsStopped: false, Kind: BlockKind.ToolCall or BlockKind.Image }) _blocks.Remove(number);
                }

                WriteAnswer(generationEvent.Reason, null, output);
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
            output.Write(",\"message\":"u8);
            var message = new ChatMessage([.. _blocks.Values.Where(b => b.Choice == choice)]);
            message.Write(output);
            output.Write(",\"logprobs\":"u8);
            message.WriteLogProbs(output);
            output.Write(",\"finish_reason\":"u8);
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
}
