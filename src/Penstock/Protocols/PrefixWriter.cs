using System.Buffers;

namespace Penstock.Protocols;

/// <summary>Adds what a model said so far to a conversation that is copied byte for byte, for it to go on with.</summary>
internal static class PrefixWriter
{
    /// <param name="member">The member that lists the conversation's messages, which is not empty.</param>
    /// <param name="before">The message up to its text.</param>
    /// <param name="prefix">The text.</param>
    /// <param name="after">The message after its text.</param>
    /// <param name="output">Takes the member.</param>
    public static void Write(ReadOnlySpan<byte> member, ReadOnlySpan<byte> before, string prefix, ReadOnlySpan<byte> after, IBufferWriter<byte> output)
    {
        output.Write(member[..member.LastIndexOf((byte)']')]);
        output.Write(","u8);
        output.Write(before);
        JsonText.WriteString(prefix, output);
        output.Write(after);
        output.Write("]"u8);
    }
}
