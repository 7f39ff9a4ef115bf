namespace Penstock.Protocols.Native;

/// <summary>The words of the native JSON. They are in every log: add words, never change one.</summary>
internal static class NativeNames
{
    public static ReadOnlySpan<byte> Of(EventKind kind) => kind switch
    {
        EventKind.Started => "started"u8,
        EventKind.BlockStart => "block_start"u8,
        EventKind.Delta => "delta"u8,
        EventKind.BlockStop => "block_stop"u8,
        EventKind.Usage => "usage"u8,
        EventKind.Attempt => "attempt"u8,
        EventKind.Reset => "reset"u8,
        EventKind.Raw => "raw"u8,
        EventKind.Step => "step"u8,
        EventKind.ToolRun => "tool_run"u8,
        EventKind.Approval => "approval"u8,
        EventKind.Trimmed => "trimmed"u8,
        EventKind.Summary => "summary"u8,
        EventKind.Finished => "finished"u8,
        EventKind.Stopped => "stopped"u8,
        EventKind.Failed => "failed"u8,
        EventKind.Interrupted => "interrupted"u8,
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    public static ReadOnlySpan<byte> Of(BlockKind kind) => kind switch
    {
        BlockKind.Text => "text"u8,
        BlockKind.Reasoning => "reasoning"u8,
        BlockKind.ToolCall => "tool_call"u8,
        BlockKind.Refusal => "refusal"u8,
        BlockKind.Image => "image"u8,
        BlockKind.ServerToolCall => "server_tool_call"u8,
        BlockKind.ToolResult => "tool_result"u8,
        _ => "other"u8,
    };

    public static ReadOnlySpan<byte> Of(FinishReason reason) => reason switch
    {
        FinishReason.Stop => "stop"u8,
        FinishReason.Length => "length"u8,
        FinishReason.ToolCalls => "tool_calls"u8,
        FinishReason.ContentFilter => "content_filter"u8,
        _ => "other"u8,
    };

    public static ReadOnlySpan<byte> Of(UsageSource source) => source switch
    {
        UsageSource.Provider => "provider"u8,
        UsageSource.Estimated => "estimated"u8,
        _ => "partial"u8,
    };

    public static ReadOnlySpan<byte> Of(ApprovalState state) => state switch
    {
        ApprovalState.Approved => "approved"u8,
        ApprovalState.Denied => "denied"u8,
        _ => "asked"u8,
    };

    public static EventKind? EventKindOf(ReadOnlySpan<byte> name)
    {
        for (var kind = EventKind.Started; kind <= EventKind.Interrupted; kind++)
        {
            if (name.SequenceEqual(Of(kind))) return kind;
        }

        return null;
    }

    public static BlockKind BlockKindOf(ReadOnlySpan<byte> name)
    {
        var kind = BlockKind.Text;
        while (kind < BlockKind.Other && !name.SequenceEqual(Of(kind))) kind++;
        return kind;
    }

    public static ApprovalState ApprovalStateOf(ReadOnlySpan<byte> name)
    {
        var state = ApprovalState.Asked;
        while (state < ApprovalState.Denied && !name.SequenceEqual(Of(state))) state++;
        return state;
    }

    public static FinishReason FinishReasonOf(ReadOnlySpan<byte> name)
    {
        var reason = FinishReason.Stop;
        while (reason < FinishReason.Other && !name.SequenceEqual(Of(reason))) reason++;
        return reason;
    }

    public static UsageSource UsageSourceOf(ReadOnlySpan<byte> name)
    {
        var source = UsageSource.Provider;
        while (source < UsageSource.Partial && !name.SequenceEqual(Of(source))) source++;
        return source;
    }
}
