using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Penstock.Protocols;

/// <summary>
/// The insides of JSON strings: escaped bytes to text and back. Unlike the platform's readers it takes half a surrogate
/// pair for what it is, since providers split pairs over two deltas.
/// </summary>
internal static class JsonText
{
    private static readonly SearchValues<byte> _mustEscape = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Select(i => (byte)i), (byte)'"', (byte)'\\']);

    /// <summary>Writes UTF-8 as the inside of a JSON string.</summary>
    public static void Escape(ReadOnlySpan<byte> utf8, IBufferWriter<byte> output)
    {
        for (int special; (special = utf8.IndexOfAny(_mustEscape)) >= 0; utf8 = utf8[(special + 1)..])
        {
            output.Write(utf8[..special]);
            var span = output.GetSpan(6);
            output.Advance(EscapeChar((char)utf8[special], span));
        }

        output.Write(utf8);
    }

    /// <summary>Writes text as the inside of a JSON string; half a surrogate pair is written as an escape.</summary>
    public static void Escape(ReadOnlySpan<char> text, IBufferWriter<byte> output)
    {
        var span = output.GetSpan(text.Length * 6);
        var length = 0;
        while (!text.IsEmpty)
        {
            var whole = Rune.DecodeFromUtf16(text, out var rune, out var used) == OperationStatus.Done;
            length += !whole || rune.Value < 0x20 || rune.Value is '"' or '\\'
                ? EscapeChar(text[0], span[length..])
                : rune.EncodeToUtf8(span[length..]);
            text = text[used..];
        }

        output.Advance(length);
    }

    /// <summary>Writes a JSON string with its quotes, or <c>null</c>.</summary>
    public static void WriteString(string? text, IBufferWriter<byte> output)
    {
        if (text is null)
        {
            output.Write("null"u8);
            return;
        }

        output.Write("\""u8);
        Escape(text, output);
        output.Write("\""u8);
    }

    /// <summary>The text as a JSON string with its quotes.</summary>
    public static byte[] ToJson(string text)
    {
        var buffer = new ArrayBufferWriter<byte>(text.Length + 16);
        WriteString(text, buffer);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Writes text as UTF-8, not as JSON.</summary>
    public static void WriteUtf8(string text, IBufferWriter<byte> output) =>
        output.Advance(Encoding.UTF8.GetBytes(text, output.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length))));

    public static void WriteNumber(long value, IBufferWriter<byte> output)
    {
        Utf8Formatter.TryFormat(value, output.GetSpan(20), out var length);
        output.Advance(length);
    }

    /// <summary>Writes a number with what stands before it; nothing for null.</summary>
    public static void WriteNumber(ReadOnlySpan<byte> prefix, long? value, IBufferWriter<byte> output)
    {
        if (value is not { } number) return;
        output.Write(prefix);
        WriteNumber(number, output);
    }

    /// <inheritdoc cref="WriteNumber(ReadOnlySpan{byte}, long?, IBufferWriter{byte})"/>
    public static void WriteNumber(ReadOnlySpan<byte> prefix, double? value, IBufferWriter<byte> output)
    {
        if (value is not { } number) return;
        output.Write(prefix);
        if (number == (long)number)
        {
            WriteNumber((long)number, output); // without the code for fractions, which most have none of
            return;
        }

        Utf8Formatter.TryFormat(number, output.GetSpan(32), out var length);
        output.Advance(length);
    }

    /// <summary>The text of the inside of a JSON string; half a surrogate pair stays one.</summary>
    public static string ToText(ReadOnlySpan<byte> escaped)
    {
        if (!escaped.Contains((byte)'\\')) return Encoding.UTF8.GetString(escaped);
        var rented = ArrayPool<char>.Shared.Rent(escaped.Length);
        var length = 0;
        while (!escaped.IsEmpty)
        {
            var plain = escaped.IndexOf((byte)'\\');
            if (plain < 0) plain = escaped.Length;
            length += Encoding.UTF8.GetChars(escaped[..plain], rented.AsSpan(length));
            escaped = escaped[plain..];
            if (!escaped.IsEmpty) rented[length++] = UnescapeChar(ref escaped);
        }

        var text = new string(rented, 0, length);
        ArrayPool<char>.Shared.Return(rented);
        return text;
    }

    /// <summary>Writes the inside of a JSON string as UTF-8.</summary>
    /// <param name="escaped">The inside of the string.</param>
    /// <param name="high">The high surrogate that the text before ended in, or NUL.</param>
    /// <param name="output">Takes the text; half a pair that cannot be completed becomes U+FFFD.</param>
    /// <returns>The high surrogate that this text ends in, held back for the text that follows, or NUL.</returns>
    public static char Unescape(ReadOnlySpan<byte> escaped, char high, IBufferWriter<byte> output)
    {
        // Unescaping never makes text longer; the three bytes are for the half pair that was held back.
        var span = output.GetSpan(escaped.Length + 3);
        var length = 0;
        while (!escaped.IsEmpty)
        {
            if (escaped[0] != '\\')
            {
                length += Flush(ref high, span[length..]);
                var plain = escaped.IndexOf((byte)'\\');
                if (plain < 0) plain = escaped.Length;
                escaped[..plain].CopyTo(span[length..]);
                length += plain;
                escaped = escaped[plain..];
                continue;
            }

            var c = UnescapeChar(ref escaped);
            if (high != 0 && char.IsLowSurrogate(c))
            {
                length += new Rune(high, c).EncodeToUtf8(span[length..]);
                high = '\0';
                continue;
            }

            length += Flush(ref high, span[length..]);
            if (char.IsHighSurrogate(c)) high = c;
            else length += (char.IsSurrogate(c) ? Rune.ReplacementChar : new Rune(c)).EncodeToUtf8(span[length..]);
        }

        output.Advance(length);
        return high;
    }

    private static int Flush(ref char high, Span<byte> span)
    {
        if (high == 0) return 0;
        high = '\0';
        return Rune.ReplacementChar.EncodeToUtf8(span);
    }

    private static int EscapeChar(char c, Span<byte> span)
    {
        span[0] = (byte)'\\';
        span[1] = c switch { '"' => (byte)'"', '\\' => (byte)'\\', '\n' => (byte)'n', '\r' => (byte)'r', '\t' => (byte)'t', _ => (byte)'u' };
        if (span[1] != 'u') return 2;
        ((int)c).TryFormat(span[2..], out _, "x4", CultureInfo.InvariantCulture);
        return 6;
    }

    private static char UnescapeChar(ref ReadOnlySpan<byte> escaped)
    {
        var kind = escaped[1];
        if (kind == 'u')
        {
            Utf8Parser.TryParse(escaped.Slice(2, 4), out ushort value, out _, 'x');
            escaped = escaped[6..];
            return (char)value;
        }

        escaped = escaped[2..];
        return kind switch
        {
            (byte)'n' => '\n',
            (byte)'r' => '\r',
            (byte)'t' => '\t',
            (byte)'b' => '\b',
            (byte)'f' => '\f',
            _ => (char)kind,
        };
    }
}
