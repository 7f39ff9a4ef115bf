using System.Buffers;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>Writes a generation as a Chat Completions stream: a provider's own chunks passed on, or chunks made from events.</summary>
internal sealed class ChatCompletionsEventWriter(GenerationRequest request, string chunkId, DateTimeOffset createdAt) : EventWriter
{
    private readonly ChatCompletionsChunk _chunk = new(request, chunkId, createdAt);
    // Not made in passthrough, where the stream may be idle for long.
    private Dictionary<int, Block>? _blocks;
    private Dictionary<int, int>? _calls; // tool calls so far, by choice
    private Usage? _usage;

    // A provider's chunks were passed on, its finish chunk and its usage with them.
    private bool _passthrough;
    private bool _begun;

    public override void WritePayload(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> payload, EventId id, IBufferWriter<byte> output)
    {
        var parsed = ChatCompletionsPayload.Read(payload);
        if (parsed.IsEnding) return;
        if (!_begun) _chunk.TakeFrom(parsed);
        _passthrough = true;
        if (parsed.IsUsageOnly && !request.IncludeUsage) return;
        _begun |= parsed.Model.Length > 2;
        var writer = new SpanWriter(output.GetSpan(parsed.MaxLength(_chunk.Id) + 16));
        writer.Append("data: "u8);
        parsed.Append(_chunk.Id, ref writer);
        writer.Append("\n"u8);
        output.Advance(writer.Length);
        ChatCompletionsChunk.EndFrame(id, output);
    }

    public override void Write(in GenerationEvent generationEvent, EventId id, IBufferWriter<byte> output)
    {
        _usage = generationEvent.Usage ?? _usage;
        switch (generationEvent.Kind)
        {
            case EventKind.Started:
                _chunk.TakeModel(generationEvent.Model);
                WriteRoles(id, output);
                break;
            case EventKind.BlockStart:
                WriteBlockStart(generationEvent, id, output);
                break;
            case EventKind.Delta:
                WriteDelta(generationEvent, id, output);
                break;
            case EventKind.Finished:
                WriteFinished(generationEvent, id, output);
                break;
            case EventKind.Stopped:
                WriteStopped(id, output);
                break;
            case EventKind.Failed or EventKind.Interrupted:
                output.Write("data: "u8);
                ChatCompletionsErrorWriter.Write(generationEvent.Error, output);
                output.Write("\n"u8);
                ChatCompletionsChunk.EndFrame(id, output);
                break;
        }
    }

    private void WriteRoles(EventId id, IBufferWriter<byte> output)
    {
        _begun = true;
        for (var choice = 0; choice < request.Choices; choice++)
        {
            var last = choice == request.Choices - 1;
            _chunk.WriteChoice(choice, "{\"role\":\"assistant\",\"content\":\"\"}"u8, default, default, default, default, id with { Part = last ? 0 : choice + 1 }, output);
        }
    }

    private void WriteBlockStart(in GenerationEvent start, EventId id, IBufferWriter<byte> output)
    {
        var block = new Block(start.BlockKind, start.Choice, 0);
        if (start.BlockKind == BlockKind.ToolCall)
        {
            _calls ??= [];
            var call = _calls.GetValueOrDefault(start.Choice);
            _calls[start.Choice] = call + 1;
            block = block with { Call = call };
            var json = new ArrayBufferWriter<byte>();
            ChatCompletionsJson.WriteStart(call, start.Id ?? ChatCompletionsJson.NewId(chunkId, start.Block), start.Name, json);
            _chunk.WriteChoice(start.Choice, json.WrittenSpan, default, default, default, default, id, output);
        }

        (_blocks ??= [])[start.Block] = block;
    }

    private void WriteDelta(in GenerationEvent delta, EventId id, IBufferWriter<byte> output)
    {
        if (_blocks is null || !_blocks.TryGetValue(delta.Block, out var block)) return;
        switch (block.Kind)
        {
            case BlockKind.Text:
                _chunk.WriteChoice(block.Choice, "{\"content\":\""u8, delta.Text, "\"}"u8, delta.LogProbs, default, id, output);
                break;
            case BlockKind.Reasoning when !delta.Text.IsEmpty: // a signature alone has no place in this protocol
                _chunk.WriteChoice(block.Choice, "{\"reasoning_content\":\""u8, delta.Text, "\"}"u8, default, default, id, output);
                break;
            case BlockKind.Refusal:
                _chunk.WriteChoice(block.Choice, "{\"refusal\":\""u8, delta.Text, "\"}"u8, default, default, id, output);
                break;
            case BlockKind.ToolCall:
                var writer = new SpanWriter(stackalloc byte[64]);
                writer.Append("{\"tool_calls\":[{\"index\":"u8);
                writer.Append(block.Call);
                writer.Append(",\"function\":{\"arguments\":\""u8);
                _chunk.WriteChoice(block.Choice, writer.Written, delta.Text, "\"}}]}"u8, default, default, id, output);
                break;
        }
    }

    private void WriteFinished(in GenerationEvent finished, EventId id, IBufferWriter<byte> output)
    {
        var part = 0;
        if (!_passthrough)
        {
            for (var choice = 0; choice < request.Choices; choice++)
            {
                var reason = finished.Reasons is { } reasons && choice < reasons.Count ? reasons[choice] : finished.Reason;
                _chunk.WriteChoice(choice, "{}"u8, default, default, default, ChatCompletionsJson.FinishReason(reason), id with { Part = ++part }, output);
            }

            WriteUsage(ref part, id, output);
        }

        WriteDone(id, output);
    }

    /// <summary>To this protocol an answer that was stopped is one that ended.</summary>
    private void WriteStopped(EventId id, IBufferWriter<byte> output)
    {
        var part = 0;
        for (var choice = 0; choice < request.Choices; choice++)
        {
            var delta = _begun ? "{}"u8 : "{\"role\":\"assistant\",\"content\":\"\"}"u8;
            _chunk.WriteChoice(choice, delta, default, default, default, "\"stop\""u8, id with { Part = ++part }, output);
        }

        WriteUsage(ref part, id, output);
        WriteDone(id, output);
    }

    private void WriteUsage(ref int part, EventId id, IBufferWriter<byte> output)
    {
        if (request.IncludeUsage && _usage is { } usage) _chunk.WriteUsage(usage, id with { Part = ++part }, output);
    }

    private static void WriteDone(EventId id, IBufferWriter<byte> output)
    {
        output.Write("data: [DONE]\n"u8);
        ChatCompletionsChunk.EndFrame(id, output);
    }

    private readonly record struct Block(BlockKind Kind, int Choice, int Call);
}
