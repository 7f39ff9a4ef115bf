using System.Text;

namespace Penstock.Protocols.Messages;

/// <summary>
/// A signature on a tool call (Gemini's), which this protocol has no place for but must bring back with the next turn: it
/// travels as a <c>redacted_thinking</c> block behind the call, which clients send back as it came.
/// </summary>
internal static class MessagesCallSignature
{
    private const string Prefix = "call_signature:";

    /// <summary>The block's data: which call, and the signature (base64, so it holds no colon).</summary>
    /// <param name="callId">The call's id.</param>
    /// <param name="signature">JSON-escaped.</param>
    public static string Write(string callId, ReadOnlySpan<byte> signature) => $"{Prefix}{callId}:{Encoding.UTF8.GetString(signature)}";

    /// <summary>Takes a block's data for what <see cref="Write"/> wrote: puts the signature on its call. False for any other.</summary>
    public static bool TryTake(string data, List<Part> parts)
    {
        if (!data.StartsWith(Prefix, StringComparison.Ordinal)) return false;
        var colon = data.LastIndexOf(':');
        var id = colon < Prefix.Length ? "" : data[Prefix.Length..colon];
        var call = parts.FindLastIndex(p => p is ToolCallPart { Id: var its } && its == id);
        if (call >= 0) parts[call] = (ToolCallPart)parts[call] with { Signature = data[(colon + 1)..] };
        return true;
    }
}
