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
            case EventKind.BlockStop:
                WriteBlockStop(generationEvent, id, output);
                break;
            case EventKind.Finished:
                WriteFinished(generationEvent, id, output);
                break;
            case EventKind.Stopped:
                WriteStopped(generationEvent.Reason, id, output);
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
        var block = new Block(start.BlockKind, start.Choice) { IsRedacted = start.Name == "redacted" };
        switch (start.BlockKind)
        {
            case BlockKind.ToolCall:
                _calls ??= [];
                block.Call = _calls.GetValueOrDefault(start.Choice);
                _calls[start.Choice] = block.Call + 1;
                var json = new ArrayBufferWriter<byte>();
                ChatCompletionsJson.WriteStart(block.Call, start.Id ?? "", start.Name, json);
                _chunk.WriteChoice(start.Choice, json.WrittenSpan, default, default, default, default, id, output);
                break;
            case BlockKind.Image:
                block.Image = new ArrayBufferWriter<byte>(); // an image cannot be shown in pieces
                ChatCompletionsJson.WriteImageStart(start.Name, block.Image);
                break;
        }

        (_blocks ??= [])[start.Block] = block;
    }

    private void WriteDelta(in GenerationEvent delta, EventId id, IBufferWriter<byte> output)
    {
        if (_blocks is null || !_blocks.TryGetValue(delta.Block, out var block)) return;
        switch (block.Kind)
        {
            case BlockKind.Text:
                WriteText(block, delta, id, output);
                break;
            case BlockKind.Reasoning:
                WriteReasoning(block, delta, id, output);
                break;
            case BlockKind.Refusal:
                _chunk.WriteChoice(block.Choice, "{\"refusal\":\""u8, delta.Text, "\"}"u8, default, default, id, output);
                break;
            case BlockKind.ToolCall:
                WriteArguments(block, delta, id, output);
                break;
            case BlockKind.Image:
                block.Image!.Write(delta.Text);
                break;
        }
    }

    // A signature of text has no place in this protocol.
    private void WriteText(Block block, in GenerationEvent delta, EventId id, IBufferWriter<byte> output)
    {
        var cites = !delta.Citation.IsEmpty;
        if (!delta.Text.IsEmpty || !delta.LogProbs.IsEmpty)
            _chunk.WriteChoice(block.Choice, "{\"content\":\""u8, delta.Text, "\"}"u8, delta.LogProbs, default, cites ? id with { Part = 1 } : id, output);
        if (!cites) return;
        var annotation = new ArrayBufferWriter<byte>();
        ChatCitations.Write(delta.Citation, annotation);
        _chunk.WriteChoice(block.Choice, "{\"annotations\":["u8, annotation.WrittenSpan, "]}"u8, default, default, id, output);
    }

    private void WriteReasoning(Block block, in GenerationEvent delta, EventId id, IBufferWriter<byte> output)
    {
        if (delta.Signature.IsEmpty)
        {
            _chunk.WriteChoice(block.Choice, "{\"reasoning_content\":\""u8, delta.Text, "\"}"u8, default, default, id, output);
            return;
        }

        // The text of the block was said already: an empty text lets clients that join the pieces sign what they have.
        var before = block.IsRedacted
            ? "{\"reasoning_details\":[{\"type\":\"reasoning.encrypted\",\"index\":0,\"data\":\""u8
            : "{\"reasoning_details\":[{\"type\":\"reasoning.text\",\"index\":0,\"text\":\"\",\"signature\":\""u8;
        if (!delta.Text.IsEmpty) _chunk.WriteChoice(block.Choice, "{\"reasoning_content\":\""u8, delta.Text, "\"}"u8, default, default, id with { Part = 1 }, output);
        _chunk.WriteChoice(block.Choice, before, delta.Signature, "\"}]}"u8, default, default, id, output);
    }

    private void WriteArguments(Block block, in GenerationEvent delta, EventId id, IBufferWriter<byte> output)
    {
        block.HasArguments |= !delta.Text.IsEmpty;
        var writer = new SpanWriter(stackalloc byte[160]);
        writer.Append("{\"tool_calls\":[{\"index\":"u8);
        writer.Append(block.Call);
        if (!delta.Signature.IsEmpty)
        {
            writer.Append(",\"function\":{\"arguments\":\"\"},\"extra_content\":{\"google\":{\"thought_signature\":\""u8);
            var part = delta.Text.IsEmpty ? id : id with { Part = 1 };
            _chunk.WriteChoice(block.Choice, writer.Written, delta.Signature, "\"}}}]}"u8, default, default, part, output);
            if (delta.Text.IsEmpty) return;
            writer = new SpanWriter(stackalloc byte[64]);
            writer.Append("{\"tool_calls\":[{\"index\":"u8);
            writer.Append(block.Call);
        }

        writer.Append(",\"function\":{\"arguments\":\""u8);
        _chunk.WriteChoice(block.Choice, writer.Written, delta.Text, "\"}}]}"u8, default, default, id, output);
    }

    private void WriteBlockStop(in GenerationEvent stop, EventId id, IBufferWriter<byte> output)
    {
        if (_blocks is null || !_blocks.Remove(stop.Block, out var block)) return;
        if (block.Image is { } image)
        {
            image.Write("\"}}"u8);
            _chunk.WriteChoice(block.Choice, "{\"images\":["u8, image.WrittenSpan, "]}"u8, default, default, id, output);
        }
        else if (block is { Kind: BlockKind.ToolCall, HasArguments: false })
        {
            // Clients parse the arguments, and an empty text is no JSON.
            WriteArguments(block, new GenerationEvent { Kind = EventKind.Delta, Text = "{}"u8 }, id, output);
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

    /// <summary>To this protocol an answer that was stopped is one that ended, or one that a limit cut.</summary>
    private void WriteStopped(FinishReason reason, EventId id, IBufferWriter<byte> output)
    {
        var part = 0;
        for (var choice = 0; choice < request.Choices; choice++)
        {
            var delta = _begun ? "{}"u8 : "{\"role\":\"assistant\",\"content\":\"\"}"u8;
            _chunk.WriteChoice(choice, delta, default, default, default, ChatCompletionsJson.FinishReason(reason), id with { Part = ++part }, output);
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

    private sealed class Block(BlockKind kind, int choice)
    {
        public BlockKind Kind { get; } = kind;

        public int Choice { get; } = choice;

        /// <summary>A tool call's number within its choice.</summary>
        public int Call { get; set; }

        public bool HasArguments { get; set; }

        public bool IsRedacted { get; init; }

        public ArrayBufferWriter<byte>? Image { get; set; }
    }
}
