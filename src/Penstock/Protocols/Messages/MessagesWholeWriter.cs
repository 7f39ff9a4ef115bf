using System.Buffers;

namespace Penstock.Protocols.Messages;

/// <summary>Writes a generation as one message: the provider's own, or one gathered from events.</summary>
internal sealed class MessagesWholeWriter(GenerationRequest request, string messageId) : EventWriter
{
    private readonly MessagesHead _head = new(request, messageId);
    private readonly List<MessagesAnswerBlock> _blocks = [];
    private Usage? _usage;
    private bool _written;

    public override void WritePayload(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> payload, EventId id, IBufferWriter<byte> output)
    {
        var parsed = MessagesPayload.Read(payload);
        var writer = new SpanWriter(output.GetSpan(parsed.MaxLength(_head.Id)));
        parsed.Append(_head.Id, ref writer);
        output.Advance(writer.Length);
        _written = true;
    }

    public override void Write(in GenerationEvent generationEvent, EventId id, IBufferWriter<byte> output)
    {
        _usage = generationEvent.Usage ?? _usage;
        var number = generationEvent.Block;
        switch (generationEvent.Kind)
        {
            case EventKind.Started:
                _head.TakeModel(generationEvent.Model);
                break;
            case EventKind.BlockStart when MessagesAnswerBlock.CanShow(generationEvent):
                _blocks.Add(new MessagesAnswerBlock(generationEvent));
                break;
            case EventKind.Delta:
                _blocks.Find(b => b.Number == number)?.Keep(generationEvent);
                break;
            case EventKind.BlockStop:
                if (_blocks.Find(b => b.Number == number) is { } stopped) stopped.IsStopped = true;
                break;
            case EventKind.Reset:
                _blocks.Clear();
                break;
            case EventKind.Finished when !_written:
                WriteMessage(generationEvent.Reason, output);
                break;
            case EventKind.Stopped when !_written:
                _blocks.RemoveAll(b => !b.IsStopped && (b.IsDeferred || b.IsCall)); // half of it
                WriteMessage(generationEvent.Reason, output);
                break;
        }
    }

    private void WriteMessage(FinishReason reason, IBufferWriter<byte> output)
    {
        output.Write("{"u8);
        _head.WriteMembers(output);
        output.Write(",\"content\":["u8);
        var first = true;
        foreach (var block in _blocks)
        {
            if (!first) output.Write(","u8);
            first = false;
            MessagesJson.WriteContentBlock(block, whole: true, output);
            if (block.Kind != BlockKind.ToolCall || block.Signature.IsEmpty) continue;
            output.Write(","u8);
            MessagesJson.WriteCallSignature(block, output);
        }

        output.Write("],\"stop_reason\":"u8);
        output.Write(MessagesStopReason.Write(reason, refused: _blocks.Exists(b => b.Kind == BlockKind.Refusal)));
        output.Write(",\"stop_sequence\":null,\"usage\":"u8);
        MessagesUsage.Write(_usage, output);
        output.Write("}"u8);
        _written = true;
    }
}
