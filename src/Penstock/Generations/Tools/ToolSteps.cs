using Penstock.Protocols;

namespace Penstock.Generations.Tools;

/// <summary>What a generation's log says of its steps: what the model is to be told next, and what is still to be done before.</summary>
internal static class ToolSteps
{
    /// <summary>The calls of the step that ended last which have no result yet, in the order in which they were made.</summary>
    public static List<SnapshotBlock> Pending(GenerationSnapshot log) =>
        [.. log.Blocks.Where(b => IsCall(b, log) && !log.Blocks.Any(r => r.Kind == BlockKind.ToolResult && r.Call == b.Block))];

    /// <summary>Whether the model has said nothing since its last step ended.</summary>
    public static bool IsBetween(GenerationSnapshot log) => log.Steps > 0 && !log.Blocks.Any(b => b.Step == log.Steps && b.Kind != BlockKind.ToolResult);

    /// <summary>Whether people are waited for, and the server was lost with nothing else to do.</summary>
    public static bool Waits(GenerationSnapshot log) => IsBetween(log) && Pending(log).Exists(c => c.Approval == ApprovalState.Asked);

    /// <summary>Whether the step that was begun last has got as far as a whole call: begun anew it would be made twice.</summary>
    public static bool HasCall(GenerationSnapshot log) =>
        log.Blocks.Any(b => b.Step == log.Steps && b.Kind is BlockKind.ServerToolCall or BlockKind.ToolCall && !b.IsOpen);

    /// <summary>Whether the last step called a tool of the client's own, whose result only the client can give.</summary>
    public static bool CallsClient(GenerationSnapshot log) => log.Blocks.Any(b => b.Kind == BlockKind.ToolCall && b.Step == log.Steps - 1 && !b.IsOpen);

    /// <summary>What the model said in the steps that have ended, and what the tools gave back, as a conversation.</summary>
    public static IReadOnlyList<Message> Messages(GenerationSnapshot log)
    {
        var messages = new List<Message>();
        for (var step = 0; step < log.Steps; step++)
        {
            var said = log.Blocks.Where(b => b.Step == step && !b.IsOpen).Select(PartOf).OfType<Part>().ToList();
            if (said.Count > 0) messages.Add(new Message(Role.Assistant, said));
            var calls = log.Blocks.Where(b => b.Step == step && b.Kind == BlockKind.ServerToolCall && !b.IsOpen);
            var results = calls.Select(c => ResultOf(c, log)).OfType<Part>().ToList();
            if (results.Count > 0) messages.Add(new Message(Role.Tool, results));
        }

        return messages;
    }

    private static bool IsCall(SnapshotBlock block, GenerationSnapshot log) => block.Kind == BlockKind.ServerToolCall && block.Step == log.Steps - 1 && !block.IsOpen;

    // An image, and what only a protocol of its own understands, the model does not see again.
    private static Part? PartOf(SnapshotBlock block) => block.Kind switch
    {
        BlockKind.Text => new TextPart(TextOf(block)),
        BlockKind.Refusal => new TextPart(TextOf(block)) { IsRefusal = true },
        BlockKind.Reasoning => new ReasoningPart(TextOf(block)) { Signature = SignatureOf(block), IsRedacted = block.Name == "redacted" },
        BlockKind.ToolCall or BlockKind.ServerToolCall => new ToolCallPart(block.Id ?? "", block.Name ?? "", TextOf(block)) { Signature = SignatureOf(block) },
        _ => null,
    };

    private static ToolResultPart? ResultOf(SnapshotBlock call, GenerationSnapshot log) =>
        log.Blocks.FirstOrDefault(b => b.Kind == BlockKind.ToolResult && b.Call == call.Block && !b.IsOpen) is { } result
            ? new ToolResultPart(call.Id ?? "", [new TextPart(TextOf(result))]) { Name = call.Name, IsError = result.IsError }
            : null;

    private static string TextOf(SnapshotBlock block) => JsonText.ToText(block.Text.WrittenSpan);

    private static string? SignatureOf(SnapshotBlock block) => block.Signature.WrittenCount == 0 ? null : JsonText.ToText(block.Signature.WrittenSpan);
}
