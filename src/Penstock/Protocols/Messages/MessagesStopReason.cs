namespace Penstock.Protocols.Messages;

/// <summary>Stop reasons in the protocol's words and in ours.</summary>
internal static class MessagesStopReason
{
    public static FinishReason Read(ReadOnlySpan<byte> reason) => reason switch
    {
        _ when reason.SequenceEqual("end_turn"u8) || reason.SequenceEqual("stop_sequence"u8) => FinishReason.Stop,
        _ when reason.SequenceEqual("tool_use"u8) => FinishReason.ToolCalls,
        _ when reason.SequenceEqual("max_tokens"u8) || reason.SequenceEqual("model_context_window_exceeded"u8) => FinishReason.Length,
        _ when reason.SequenceEqual("refusal"u8) => FinishReason.ContentFilter,
        _ => FinishReason.Other, // pause_turn, and what is to come
    };

    /// <summary>The stop reason as raw JSON.</summary>
    public static ReadOnlySpan<byte> Write(FinishReason reason, bool refused) => reason switch
    {
        _ when refused => "\"refusal\""u8,
        FinishReason.Length => "\"max_tokens\""u8,
        FinishReason.ToolCalls => "\"tool_use\""u8,
        FinishReason.ContentFilter => "\"refusal\""u8,
        _ => "\"end_turn\""u8,
    };
}
