using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics;

namespace Penstock.Sse;

/// <summary>Writes the fields of server-sent events. The caller ends a frame with <see cref="End"/>.</summary>
/// <remarks>Write <c>id</c> last: some clients act on the field as soon as they see it, and an id must never outrun its data.</remarks>
public static class SseWriter
{
    /// <summary>Writes an <c>event:</c> line; the name holds no line end.</summary>
    public static void Event(IBufferWriter<byte> output, ReadOnlySpan<byte> name) => Line(output, "event: "u8, name);

    /// <summary>Writes a <c>data:</c> line of bytes that hold no line end, JSON for instance.</summary>
    public static void Data(IBufferWriter<byte> output, ReadOnlySpan<byte> singleLine) => Line(output, "data: "u8, singleLine);

    /// <summary>Writes text as one <c>data:</c> line for each of its lines; CR, LF and CRLF all end one.</summary>
    public static void Text(IBufferWriter<byte> output, ReadOnlySpan<byte> text)
    {
        while (true)
        {
            var end = text.IndexOfAny((byte)'\n', (byte)'\r');
            if (end < 0)
            {
                Data(output, text);
                return;
            }

            Data(output, text[..end]);
            var crlf = text[end] == '\r' && end + 1 < text.Length && text[end + 1] == '\n';
            text = text[(end + (crlf ? 2 : 1))..];
        }
    }

    /// <summary>Writes a <c>retry:</c> line: the client's reconnection time in milliseconds.</summary>
    public static void Retry(IBufferWriter<byte> output, long milliseconds)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(milliseconds, digits, out var length);
        Line(output, "retry: "u8, digits[..length]);
    }

    /// <summary>Writes a comment line, which every client ignores; the text holds no line end.</summary>
    public static void Comment(IBufferWriter<byte> output, ReadOnlySpan<byte> text) => Line(output, ": "u8, text);

    /// <summary>Ends the frame.</summary>
    public static void End(IBufferWriter<byte> output)
    {
        output.GetSpan(1)[0] = (byte)'\n';
        output.Advance(1);
    }

    internal static void Line(IBufferWriter<byte> output, ReadOnlySpan<byte> field, ReadOnlySpan<byte> value)
    {
        Debug.Assert(value.IndexOfAny((byte)'\r', (byte)'\n') < 0, "A line end inside a field would start a field of its own.");
        var length = field.Length + value.Length + 1;
        var span = output.GetSpan(length);
        field.CopyTo(span);
        value.CopyTo(span[field.Length..]);
        span[length - 1] = (byte)'\n';
        output.Advance(length);
    }
}
