using System.Buffers;

namespace Penstock.Protocols.Messages;

/// <summary>
/// Writes a generation as a Messages stream: a provider's own events passed on, or events made of ours. Blocks follow one
/// another here, so what comes for a later one while an earlier is open waits.
/// </summary>
internal sealed class MessagesEventWriter(GenerationRequest request, string messageId) : EventWriter
{
    private readonly MessagesHead _head = new(request, messageId);
    private List<MessagesAnswerBlock>? _blocks; // the first is shown, the others wait; not made in passthrough
    private Usage? _usage;
    private int _next;
    private int _passedBlock = -1; // the block that a provider's events left open, unless it is a call: half of one must not look whole
    private bool _begun;
    private bool _stopSaid;
    private bool _refused;

    public override void WritePayload(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> payload, EventId id, IBufferWriter<byte> output)
    {
        var parsed = MessagesPayload.Read(payload);
        if (!JsonValue.IsObject(parsed.Json)) return;
        Follow(parsed);
        var frames = new MessagesFrames(id, output);
        frames.Begin(parsed.Type.IsEmpty ? eventName : parsed.Type);
        var writer = new SpanWriter(output.GetSpan(parsed.MaxLength(_head.Id)));
        parsed.Append(_head.Id, ref writer);
        output.Advance(writer.Length);
        frames.End();
    }

    public override void Write(in GenerationEvent generationEvent, EventId id, IBufferWriter<byte> output)
    {
        _usage = generationEvent.Usage ?? _usage;
        var frames = new MessagesFrames(id, output);
        switch (generationEvent.Kind)
        {
            case EventKind.Started:
                _head.TakeModel(generationEvent.Model);
                Begin(ref frames);
                break;
            case EventKind.BlockStart when MessagesAnswerBlock.CanShow(generationEvent):
                _refused |= generationEvent.BlockKind == BlockKind.Refusal;
                (_blocks ??= []).Add(new MessagesAnswerBlock(generationEvent));
                if (_blocks.Count == 1) Show(_blocks[0], ref frames);
                break;
            case EventKind.Delta when Find(generationEvent.Block) is { } block:
                if (block.Index < 0) block.Keep(generationEvent);
                else WriteDelta(block, generationEvent, ref frames);
                break;
            case EventKind.BlockStop when Find(generationEvent.Block) is { } block:
                block.IsStopped = true;
                Advance(ref frames);
                break;
            case EventKind.Reset:
                (_blocks, _usage, _next, _passedBlock, _begun, _stopSaid, _refused) = (null, null, 0, -1, false, false, false);
                break;
            case EventKind.Finished:
                WriteEnd(generationEvent.Reason, ref frames);
                break;
            case EventKind.Stopped: // to this protocol an answer that ended, or that a limit cut
                CloseCut(ref frames);
                WriteEnd(generationEvent.Reason, ref frames);
                break;
            case EventKind.Failed or EventKind.Interrupted:
                CloseCut(ref frames);
                MessagesErrorWriter.Write(generationEvent.Error, _head.RequestId, frames.Begin("error"u8));
                break;
        }

        frames.End();
    }

    public override void Replay(in GenerationEvent generationEvent, ReadOnlySpan<byte> frames, IBufferWriter<byte> scratch)
    {
        base.Replay(generationEvent, frames, scratch);
        const int Start = 29; // of the data
        for (int at; (at = frames.IndexOf("event: message_delta\ndata: "u8)) >= 0; frames = frames[(at + Start)..])
        {
            var data = frames[(at + Start - 2)..];
            _stopSaid |= SaysStop(data[..data.IndexOf((byte)'\n')]);
        }
    }

    /// <summary>Notes how far a provider's own events have come, for an ending of ours.</summary>
    private void Follow(in MessagesPayload payload)
    {
        _begun |= payload.HasMessage;
        if (payload.Type.SequenceEqual("content_block_start"u8)) _passedBlock = StartsCall(payload.Json) ? -1 : payload.Index;
        else if (payload.Type.SequenceEqual("content_block_stop"u8)) _passedBlock = -1;
        else if (payload.Type.SequenceEqual("message_delta"u8)) _stopSaid |= SaysStop(payload.Json);
    }

    // Of the client's own tools and of the provider's: tool_use, server_tool_use, mcp_tool_use.
    private static bool StartsCall(ReadOnlySpan<byte> payload) =>
        JsonValue.Inside(JsonValue.Member(JsonValue.Member(payload, "content_block"u8), "type"u8)).EndsWith("tool_use"u8);

    // Some providers send deltas that only count tokens.
    private static bool SaysStop(ReadOnlySpan<byte> payload) =>
        JsonValue.IsString(JsonValue.Member(JsonValue.Member(payload, "delta"u8), "stop_reason"u8));

    private MessagesAnswerBlock? Find(int number)
    {
        if (_blocks is null) return null;
        foreach (var block in _blocks)
        {
            if (block.Number == number) return block;
        }

        return null;
    }

    private void Begin(ref MessagesFrames frames)
    {
        if (_begun) return;
        _begun = true;
        var output = frames.Begin("message_start"u8);
        output.Write("{\"type\":\"message_start\",\"message\":{"u8);
        _head.WriteMembers(output);
        output.Write(",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":"u8);
        MessagesUsage.Write(null, output);
        output.Write("}}"u8);
    }

    /// <summary>Begins a block, with what has waited for it.</summary>
    private void Show(MessagesAnswerBlock block, ref MessagesFrames frames)
    {
        if (block.IsDeferred) return;
        block.Index = _next++;
        MessagesJson.WriteBlockStart(block, ref frames);
        foreach (var citation in block.Citations) MessagesJson.WriteCitation(block.Index, citation, ref frames);
        if (!block.Text.IsEmpty) MessagesJson.WriteText(block, block.Text, ref frames);
        if (!block.Signature.IsEmpty) WriteSignature(block, block.Signature, ref frames);
        block.ClearText();
    }

    private static void WriteDelta(MessagesAnswerBlock block, in GenerationEvent delta, ref MessagesFrames frames)
    {
        if (!delta.Citation.IsEmpty) MessagesJson.WriteCitation(block.Index, Citation.Read(delta.Citation), ref frames);
        if (!delta.Text.IsEmpty) MessagesJson.WriteText(block, delta.Text, ref frames);
        if (delta.Signature.IsEmpty) return;
        if (block.Kind == BlockKind.ToolCall) block.KeepSignature(delta);
        WriteSignature(block, delta.Signature, ref frames);
    }

    private static void WriteSignature(MessagesAnswerBlock block, ReadOnlySpan<byte> signature, ref MessagesFrames frames)
    {
        if (block.Kind != BlockKind.Reasoning) return; // a call's comes behind it, and text's has no place
        frames.Write("content_block_delta"u8, block.Index, ",\"delta\":{\"type\":\"signature_delta\",\"signature\":\""u8, signature, "\"}}"u8);
    }

    /// <summary>Ends the blocks that are whole and begins the next.</summary>
    private void Advance(ref MessagesFrames frames)
    {
        while (_blocks is [{ IsStopped: true } block, ..])
        {
            if (block.IsDeferred)
            {
                block.Index = _next++;
                MessagesJson.WriteBlockStart(block, ref frames);
            }

            WriteBlockStop(block.Index, ref frames);
            if (block.Kind == BlockKind.ToolCall && !block.Signature.IsEmpty)
            {
                MessagesJson.WriteCallSignature(_next, block, ref frames);
                WriteBlockStop(_next++, ref frames);
            }

            _blocks.RemoveAt(0);
            if (_blocks.Count > 0) Show(_blocks[0], ref frames);
        }
    }

    /// <summary>Ends what an answer that was cut left open, and shows the text that waited; but a half call or item is not said to be whole.</summary>
    private void CloseCut(ref MessagesFrames frames)
    {
        if (_blocks is null) return;
        _blocks.RemoveAll(b => !b.IsStopped && (b.IsDeferred || b.IsCall));
        if (_blocks.Count > 0 && _blocks[0].Index < 0) Show(_blocks[0], ref frames);
        foreach (var block in _blocks) block.IsStopped = true;
        Advance(ref frames);
    }

    private static void WriteBlockStop(int index, ref MessagesFrames frames) =>
        frames.Write("content_block_stop"u8, index, "}"u8, default, default);

    private void WriteEnd(FinishReason reason, ref MessagesFrames frames)
    {
        Begin(ref frames);
        if (_passedBlock >= 0) WriteBlockStop(_passedBlock, ref frames);
        if (!_stopSaid)
        {
            var output = frames.Begin("message_delta"u8);
            output.Write("{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"u8);
            output.Write(MessagesStopReason.Write(reason, _refused));
            output.Write(",\"stop_sequence\":null},\"usage\":"u8);
            MessagesUsage.Write(_usage, output);
            output.Write("}"u8);
        }

        frames.Begin("message_stop"u8).Write("{\"type\":\"message_stop\"}"u8);
    }
}
