using System.Buffers;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>A block of an answer, gathered.</summary>
internal sealed class ChatMessageBlock(BlockKind kind, int choice, string? callId, string? name)
{
    private ArrayBufferWriter<byte>? _signature;

    public BlockKind Kind { get; } = kind;

    public int Choice { get; } = choice;

    public string CallId { get; } = callId ?? "";

    public string? Name { get; } = name;

    public ArrayBufferWriter<byte> Text { get; } = new();

    /// <summary>JSON-escaped.</summary>
    public ReadOnlySpan<byte> Signature => _signature is null ? default : _signature.WrittenSpan;

    /// <summary>It ended, and was not cut.</summary>
    public bool IsStopped { get; set; }

    public List<byte[]> Citations { get; } = [];

    /// <summary>The elements of <c>logprobs.content</c>, raw, with commas.</summary>
    public List<byte[]> LogProbs { get; } = [];

    public void Add(in GenerationEvent delta)
    {
        Text.Write(delta.Text);
        if (!delta.Signature.IsEmpty) (_signature ??= new()).Write(delta.Signature);
        if (!delta.Citation.IsEmpty) Citations.Add(delta.Citation.ToArray());
        if (ChatCompletionsJson.LogProbsContent(delta.LogProbs) is { IsEmpty: false } content) LogProbs.Add(content.ToArray());
    }
}

/// <summary>The <c>message</c> of one choice of a whole answer.</summary>
internal sealed class ChatMessage(List<ChatMessageBlock> blocks)
{
    public void Write(IBufferWriter<byte> output)
    {
        output.Write("{\"role\":\"assistant\",\"content\":"u8);
        WriteText(BlockKind.Text, output);
        output.Write(",\"refusal\":"u8);
        WriteText(BlockKind.Refusal, output);
        if (Of(BlockKind.Reasoning).Any(b => b.Text.WrittenCount > 0))
        {
            output.Write(",\"reasoning_content\":"u8);
            WriteText(BlockKind.Reasoning, output);
        }

        WriteReasoningDetails(output);
        WriteAnnotations(output);
        WriteImages(output);
        WriteToolCalls(output);
        output.Write("}"u8);
    }

    public void WriteLogProbs(IBufferWriter<byte> output)
    {
        var all = Of(BlockKind.Text).SelectMany(b => b.LogProbs).ToList();
        if (all.Count == 0)
        {
            output.Write("null"u8);
            return;
        }

        output.Write("{\"content\":["u8);
        for (var i = 0; i < all.Count; i++)
        {
            if (i > 0) output.Write(","u8);
            output.Write(all[i]);
        }

        output.Write("],\"refusal\":null}"u8);
    }

    private IEnumerable<ChatMessageBlock> Of(BlockKind kind) => blocks.Where(b => b.Kind == kind);

    /// <summary>All text of a kind as one string; null where there is none.</summary>
    private void WriteText(BlockKind kind, IBufferWriter<byte> output)
    {
        if (!Of(kind).Any())
        {
            // A message says something: text, a refusal or calls; an empty answer is empty text.
            var empty = kind == BlockKind.Text && !blocks.Exists(b => b.Kind is BlockKind.Refusal or BlockKind.ToolCall);
            output.Write(empty ? "\"\""u8 : "null"u8);
            return;
        }

        output.Write("\""u8);
        foreach (var block in Of(kind)) output.Write(block.Text.WrittenSpan);
        output.Write("\""u8);
    }

    private void WriteReasoningDetails(IBufferWriter<byte> output)
    {
        if (Of(BlockKind.Reasoning).All(b => b.Signature.IsEmpty)) return;
        var first = true;
        foreach (var block in Of(BlockKind.Reasoning))
        {
            var redacted = block.Name == "redacted";
            output.Write(first ? ",\"reasoning_details\":[{\"type\":\""u8 : ",{\"type\":\""u8);
            output.Write(redacted ? "reasoning.encrypted\",\"data\":\""u8 : "reasoning.text\",\"text\":\""u8);
            if (!redacted)
            {
                output.Write(block.Text.WrittenSpan);
                output.Write("\",\"signature\":\""u8);
            }

            output.Write(block.Signature);
            output.Write("\"}"u8);
            first = false;
        }

        output.Write("]"u8);
    }

    private void WriteAnnotations(IBufferWriter<byte> output)
    {
        var first = true;
        foreach (var citation in Of(BlockKind.Text).SelectMany(b => b.Citations))
        {
            output.Write(first ? ",\"annotations\":["u8 : ","u8);
            ChatCitations.Write(citation, output);
            first = false;
        }

        if (!first) output.Write("]"u8);
    }

    private void WriteImages(IBufferWriter<byte> output)
    {
        var first = true;
        foreach (var block in Of(BlockKind.Image))
        {
            output.Write(first ? ",\"images\":["u8 : ","u8);
            ChatCompletionsJson.WriteImageStart(block.Name, output);
            output.Write(block.Text.WrittenSpan);
            output.Write("\"}}"u8);
            first = false;
        }

        if (!first) output.Write("]"u8);
    }

    private void WriteToolCalls(IBufferWriter<byte> output)
    {
        var first = true;
        foreach (var block in Of(BlockKind.ToolCall))
        {
            output.Write(first ? ",\"tool_calls\":[{"u8 : ",{"u8);
            ChatCompletionsJson.WriteCall(block.CallId, block.Name, output);
            output.Write(block.Text.WrittenCount == 0 ? "{}"u8 : block.Text.WrittenSpan);
            output.Write("\"}"u8);
            if (!block.Signature.IsEmpty)
            {
                output.Write(",\"extra_content\":{\"google\":{\"thought_signature\":\""u8);
                output.Write(block.Signature);
                output.Write("\"}}"u8);
            }

            output.Write("}"u8);
            first = false;
        }

        if (!first) output.Write("]"u8);
    }
}
