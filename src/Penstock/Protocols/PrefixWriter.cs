using System.Buffers;

namespace Penstock.Protocols;

/// <summary>Adds what a model said so far to a conversation that is copied byte for byte, for it to go on with.</summary>
internal static class PrefixWriter
{
    /// <param name="member">The member that lists the conversation's messages, which is not empty; Gemini takes a single one without a list.</param>
    /// <param name="before">The message up to its text.</param>
    /// <param name="prefix">The text.</param>
    /// <param name="after">The message after its text.</param>
    /// <param name="output">Takes the member.</param>
    public static void Write(ReadOnlySpan<byte> member, ReadOnlySpan<byte> before, string prefix, ReadOnlySpan<byte> after, IBufferWriter<byte> output)
    {
        var isList = member[^1] == ']';
        var value = member[(member.IndexOf((byte)':') + 1)..]; // no member of ours has a colon in its name
        output.Write(member[..^value.Length]);
        if (!isList) output.Write("["u8);
        output.Write(isList ? value[..^1] : value);
        output.Write(","u8);
        output.Write(before);
        JsonText.WriteString(prefix, output);
        output.Write(after);
        output.Write("]"u8);
    }
}
