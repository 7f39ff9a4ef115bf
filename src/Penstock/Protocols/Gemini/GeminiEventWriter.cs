using System.Buffers;

namespace Penstock.Protocols.Gemini;

/// <summary>Writes a generation as a Gemini stream: a provider's own chunks passed on, or chunks made from events.</summary>
internal sealed class GeminiEventWriter(GenerationRequest request, string generationId) : EventWriter
{
    private readonly GeminiChunk _chunk = new(request, generationId);
    private readonly GeminiChoices _choices = new();
    private Dictionary<int, GeminiBlock>? _blocks; // not made in passthrough
    private Usage? _usage;

    // Blocks that are closed and wait for the answer to go on: an answer that is cut closes its blocks too, and half a call must
    // not look like one.
    private readonly List<GeminiBlock> _closed = [];

    // A provider's chunks were passed on. The one that finishes the answer, and what follows it, wait for our own ending: a
    // stream with a finish reason looks whole.
    private bool _passthrough;
    private int _finishes;
    private List<byte[]>? _held;

    public override void WritePayload(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> payload, EventId id, IBufferWriter<byte> output)
    {
        var parsed = GeminiPayload.Read(payload);
        if (parsed.IsEnding) return;
        _passthrough = true;
        _finishes += parsed.Finishes;
        if (parsed.IsBlocked || _finishes >= request.Choices)
        {
            (_held ??= []).Add(parsed.Json.ToArray());
            return;
        }

        WriteFrame(parsed.Json, id, output);
    }

    public override void Write(in GenerationEvent generationEvent, EventId id, IBufferWriter<byte> output)
    {
        _usage = generationEvent.Usage ?? _usage;
        switch (generationEvent.Kind)
        {
            case EventKind.Started:
                _chunk.TakeModel(generationEvent.Model);
                break;
            case EventKind.BlockStart when GeminiBlock.CanShow(generationEvent.BlockKind):
                WriteClosed(id, output);
                (_blocks ??= [])[generationEvent.Block] =
                    new GeminiBlock(generationEvent.BlockKind, generationEvent.Choice, generationEvent.Id, generationEvent.Name);
                break;
            case EventKind.Delta when _blocks is not null && _blocks.TryGetValue(generationEvent.Block, out var block):
                WriteDelta(block, generationEvent, id, output);
                break;
            case EventKind.BlockStop when _blocks is not null && _blocks.Remove(generationEvent.Block, out var block):
                if (block.IsGathered) _closed.Add(block);
                else WriteHeldThought(block, id, output);
                break;
            case EventKind.Reset:
                _blocks = null;
                _closed.Clear();
                _choices.Clear();
                (_passthrough, _finishes, _held) = (false, 0, null);
                break;
            case EventKind.Finished when _passthrough:
                WriteHeld(id, output);
                break;
            case EventKind.Finished:
                WriteClosed(id, output);
                WriteFinished(generationEvent.Reason, generationEvent.Reasons, id, output);
                break;
            case EventKind.Stopped: // to this protocol an answer that was stopped is one that ended, or that a limit cut
                WriteHeldThoughts(id, output);
                WriteFinished(generationEvent.Reason, null, id, output);
                break;
            case EventKind.Failed or EventKind.Interrupted:
                WriteHeldThoughts(id, output);
                output.Write("data: "u8);
                GeminiErrorWriter.Write(generationEvent.Error, output);
                EndFrame(id, output);
                break;
        }
    }

    public override void Replay(in GenerationEvent generationEvent, ReadOnlySpan<byte> frames, IBufferWriter<byte> scratch)
    {
        base.Replay(generationEvent, frames, scratch);
        if (generationEvent.Kind == EventKind.BlockStop && !frames.IsEmpty) _closed.Clear(); // it was shown as the provider sent it
    }

    private void WriteDelta(GeminiBlock block, in GenerationEvent delta, EventId id, IBufferWriter<byte> output)
    {
        if (block.IsGathered)
        {
            block.Take(delta);
            return;
        }

        if (block.Kind != BlockKind.Reasoning) _choices.TakeText(block.Choice, delta);
        if (delta.Text.IsEmpty && delta.Signature.IsEmpty) return;
        if (block.Kind == BlockKind.Reasoning)
        {
            WriteThought(block, delta, id, output);
            return;
        }

        if (delta.Signature.IsEmpty)
        {
            WriteToken(block, delta.Text, id, output);
            return;
        }

        BeginFrame(output);
        GeminiBlock.WriteText(block.Kind, redacted: false, delta.Text, delta.Signature, output);
        EndChunk(block.Choice, id, output);
    }

    // A signature may come last, and clients take one only beside some of the thought's text: so the latest piece of a thought
    // waits until it is known what follows.
    private void WriteThought(GeminiBlock block, in GenerationEvent delta, EventId id, IBufferWriter<byte> output)
    {
        if (delta.Signature.IsEmpty)
        {
            WriteHeldThought(block, id, output);
            block.Text.Write(delta.Text);
            return;
        }

        block.Text.Write(delta.Text);
        BeginFrame(output);
        GeminiBlock.WriteText(block.Kind, block.IsRedacted, block.Text.WrittenSpan, delta.Signature, output);
        EndChunk(block.Choice, id, output);
        block.Text.ResetWrittenCount();
    }

    private bool WriteHeldThought(GeminiBlock block, EventId id, IBufferWriter<byte> output)
    {
        if (block.IsGathered || block.Text.WrittenCount == 0) return false;
        WriteToken(block, block.Text.WrittenSpan, id, output);
        block.Text.ResetWrittenCount();
        return true;
    }

    /// <summary>Before an ending that comes in the middle of a thought.</summary>
    private void WriteHeldThoughts(EventId id, IBufferWriter<byte> output)
    {
        var frames = 0;
        if (_blocks is null) return;
        foreach (var block in _blocks.Values)
        {
            if (WriteHeldThought(block, id with { Part = frames + 1 }, output)) frames++;
        }
    }

    // What comes once a token asks for its buffer once.
    private void WriteToken(GeminiBlock block, ReadOnlySpan<byte> text, EventId id, IBufferWriter<byte> output)
    {
        var tail = _chunk.Tail;
        var writer = new SpanWriter(output.GetSpan(text.Length + tail.Length + 128));
        writer.Append("data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\""u8);
        writer.Append(text);
        writer.Append(block.Kind == BlockKind.Reasoning ? "\",\"thought\":true}],\"role\":\"model\"},\"index\":"u8 : "\"}],\"role\":\"model\"},\"index\":"u8);
        writer.Append(block.Choice);
        writer.Append("}]"u8);
        writer.Append(tail);
        writer.Append("}"u8);
        output.Advance(writer.Length);
        EndFrame(id, output);
    }

    private void WriteClosed(EventId id, IBufferWriter<byte> output)
    {
        if (_closed.Count == 0) return;
        var part = new ArrayBufferWriter<byte>();
        var frames = 0;
        foreach (var block in _closed)
        {
            part.ResetWrittenCount();
            var written = block.TryWrite(part, out var malformed);
            if (malformed) _choices.SetMalformed(block.Choice);
            if (!written) continue;
            BeginFrame(output);
            output.Write(part.WrittenSpan);
            EndChunk(block.Choice, id with { Part = ++frames }, output);
        }

        _closed.Clear();
    }

    private static void BeginFrame(IBufferWriter<byte> output)
    {
        output.Write("data: {\"candidates\":["u8);
        GeminiChunk.BeginCandidate(output);
    }

    private void EndChunk(int choice, EventId id, IBufferWriter<byte> output)
    {
        GeminiChunk.EndParts(choice, output);
        output.Write("}]"u8);
        _chunk.WriteTail(usage: null, output);
        output.Write("}"u8);
        EndFrame(id, output);
    }

    private void WriteFinished(FinishReason reason, IReadOnlyList<FinishReason>? reasons, EventId id, IBufferWriter<byte> output)
    {
        output.Write("data: {\"candidates\":["u8);
        for (var choice = 0; choice < request.Choices; choice++)
        {
            if (choice > 0) output.Write(","u8);
            GeminiChunk.BeginCandidate(output);
            output.Write("{\"text\":\"\"}"u8); // so does Google, and its clients take an answer without parts for a bad one
            GeminiChunk.EndParts(choice, output);
            _choices.WriteFinish(choice, reasons is not null && choice < reasons.Count ? reasons[choice] : reason, output);
            output.Write("}"u8);
        }

        output.Write("]"u8);
        _chunk.WriteTail(_usage, output);
        output.Write("}"u8);
        EndFrame(id, output);
    }

    private void WriteHeld(EventId id, IBufferWriter<byte> output)
    {
        if (_held is null) return;
        for (var i = 0; i < _held.Count; i++) WriteFrame(_held[i], i == _held.Count - 1 ? id : id with { Part = i + 1 }, output);
        _held = null;
    }

    private static void WriteFrame(ReadOnlySpan<byte> json, EventId id, IBufferWriter<byte> output)
    {
        var writer = new SpanWriter(output.GetSpan(json.Length + 8));
        writer.Append("data: "u8);
        writer.AppendOnOneLine(json);
        output.Advance(writer.Length);
        EndFrame(id, output);
    }

    private static void EndFrame(EventId id, IBufferWriter<byte> output)
    {
        output.Write("\n"u8);
        id.WriteLine(output);
        Sse.SseWriter.End(output);
    }
}
