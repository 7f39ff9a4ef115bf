using System.Buffers;

namespace Penstock.Protocols.Gemini;

/// <summary>Writes a generation as one <c>GenerateContentResponse</c>: the provider's own, or one gathered from events.</summary>
internal sealed class GeminiWholeWriter(GenerationRequest request, string generationId) : EventWriter
{
    private readonly GeminiChunk _chunk = new(request, generationId);
    private readonly GeminiChoices _choices = new();
    private readonly SortedDictionary<int, GeminiBlock> _blocks = [];
    private Usage? _usage;
    private bool _written;

    public override void WritePayload(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> payload, EventId id, IBufferWriter<byte> output)
    {
        var parsed = GeminiPayload.Read(payload);
        if (parsed.IsEnding) return;
        output.Write(parsed.Json);
        _written = true;
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
                _blocks[generationEvent.Block] = new GeminiBlock(generationEvent.BlockKind, generationEvent.Choice, generationEvent.Id, generationEvent.Name);
                break;
            case EventKind.Delta when _blocks.TryGetValue(generationEvent.Block, out var block):
                block.Take(generationEvent);
                if (block.Kind is BlockKind.Text or BlockKind.Refusal) _choices.TakeText(block.Choice, generationEvent);
                break;
            case EventKind.Reset:
                _blocks.Clear();
                _choices.Clear();
                break;
            case EventKind.Finished when !_written:
                WriteAnswer(generationEvent.Reason, generationEvent.Reasons, output);
                break;
            case EventKind.Stopped when !_written:
                foreach (var (number, block) in _blocks.ToList())
                {
                    if (block.IsGathered) _blocks.Remove(number); // it may be half a call
                }

                WriteAnswer(generationEvent.Reason, null, output);
                break;
        }
    }

    private void WriteAnswer(FinishReason reason, IReadOnlyList<FinishReason>? reasons, IBufferWriter<byte> output)
    {
        output.Write("{\"candidates\":["u8);
        for (var choice = 0; choice < request.Choices; choice++)
        {
            if (choice > 0) output.Write(","u8);
            GeminiChunk.BeginCandidate(output);
            WriteParts(choice, output);
            GeminiChunk.EndParts(choice, output);
            _choices.WriteFinish(choice, reasons is not null && choice < reasons.Count ? reasons[choice] : reason, output);
            output.Write("}"u8);
        }

        output.Write("]"u8);
        _chunk.WriteTail(_usage, output);
        output.Write("}"u8);
        _written = true;
    }

    private void WriteParts(int choice, IBufferWriter<byte> output)
    {
        var part = new ArrayBufferWriter<byte>();
        var any = false;
        foreach (var block in _blocks.Values)
        {
            if (block.Choice != choice) continue;
            part.ResetWrittenCount();
            var written = block.TryWrite(part, out var malformed);
            if (malformed) _choices.SetMalformed(choice);
            if (!written) continue;
            if (any) output.Write(","u8);
            output.Write(part.WrittenSpan);
            any = true;
        }

        if (!any) output.Write("{\"text\":\"\"}"u8);
    }
}
