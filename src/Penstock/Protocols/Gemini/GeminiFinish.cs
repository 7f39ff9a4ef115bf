namespace Penstock.Protocols.Gemini;

/// <summary>The words for why an answer ended.</summary>
internal static class GeminiFinish
{
    /// <summary>What a <c>finishReason</c> means; null where it says nothing.</summary>
    public static FinishReason? Read(ReadOnlySpan<byte> reason) => reason switch
    {
        _ when reason.IsEmpty || reason.SequenceEqual("FINISH_REASON_UNSPECIFIED"u8) => null,
        _ when reason.SequenceEqual("STOP"u8) => FinishReason.Stop,
        _ when reason.SequenceEqual("MAX_TOKENS"u8) => FinishReason.Length,
        _ when reason.SequenceEqual("SAFETY"u8) || reason.SequenceEqual("RECITATION"u8) || reason.SequenceEqual("LANGUAGE"u8)
            || reason.SequenceEqual("BLOCKLIST"u8) || reason.SequenceEqual("PROHIBITED_CONTENT"u8) || reason.SequenceEqual("SPII"u8)
            || reason.SequenceEqual("IMAGE_SAFETY"u8) || reason.SequenceEqual("IMAGE_PROHIBITED_CONTENT"u8) || reason.SequenceEqual("IMAGE_RECITATION"u8)
            => FinishReason.ContentFilter,
        _ => FinishReason.Other, // OTHER, MALFORMED_FUNCTION_CALL, UNEXPECTED_TOOL_CALL, and those to come
    };

    /// <param name="reason">Why.</param>
    /// <param name="malformed">A tool was called with what is not a JSON object.</param>
    public static ReadOnlySpan<byte> Write(FinishReason reason, bool malformed) => reason switch
    {
        FinishReason.Length => "MAX_TOKENS"u8,
        FinishReason.ContentFilter => "SAFETY"u8,
        _ when malformed => "MALFORMED_FUNCTION_CALL"u8,
        FinishReason.Other => "OTHER"u8,
        _ => "STOP"u8, // after calls too
    };
}
