using System.Buffers;
using System.Net;
using System.Net.Http;
using System.Text;

namespace Penstock.Transport.Http;

/// <summary>
/// Reads a reply's status line and headers. What could be read in two ways is refused, for the next reply on the connection
/// would be somebody else's.
/// </summary>
internal static class ReplyHead
{
    /// <summary>The most bytes of a head, those of interim replies before it included.</summary>
    public const int MaxLength = 64 * 1024;

    private static readonly SearchValues<byte> _nameBytes = SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);
    private static readonly SearchValues<byte> _noValueBytes = SearchValues.Create("\0\r\n"u8);

    /// <summary>How long the head at the beginning of these bytes is, or -1 when its end has not come yet.</summary>
    /// <param name="bytes">What came so far.</param>
    /// <param name="seen">How many of them an earlier call has looked at.</param>
    /// <exception cref="HttpIOException">This will not become a head, however much follows.</exception>
    public static int LengthOf(ReadOnlySpan<byte> bytes, ref int seen)
    {
        var from = Math.Max(0, seen - 3);
        var end = bytes[from..].IndexOf("\r\n\r\n"u8);
        if (end >= 0) return from + end + 4;
        var begin = bytes[..Math.Min(bytes.Length, 7)];
        if (!begin.SequenceEqual("HTTP/1."u8[..begin.Length])) throw HttpFailure.Invalid("The reply does not begin as HTTP/1.1 does.");
        for (var at = seen; bytes[at..].IndexOf((byte)'\n') is var next and >= 0; at += next + 1)
        {
            if (bytes[at + next - 1] != '\r') throw BareLineFeed();
        }

        seen = bytes.Length;
        return -1;
    }

    /// <summary>Reads a whole head.</summary>
    /// <param name="head">Its bytes, which may be changed.</param>
    /// <param name="content">Where the headers go that tell of the body.</param>
    /// <param name="framing">How the body is delimited.</param>
    /// <param name="keepAlive">Whether another request may follow.</param>
    /// <exception cref="HttpIOException">It is no head, or an ambiguous one.</exception>
    public static HttpResponseMessage Read(Span<byte> head, HttpContent content, out BodyFraming framing, out bool keepAlive)
    {
        var reply = ReadStatus(NextLine(ref head));
        reply.Content = content;
        keepAlive = reply.Version == HttpVersion.Version11;
        long? length = null;
        var isChunked = false;
        while (NextLine(ref head) is { IsEmpty: false } line)
        {
            var colon = line.IndexOf((byte)':');
            if (colon <= 0 || line[..colon].ContainsAnyExcept(_nameBytes)) throw HttpFailure.Invalid("A header of the reply has no proper name.");
            ReadOnlySpan<byte> name = line[..colon], value = line[(colon + 1)..].Trim(" \t"u8);
            if (value.ContainsAny(_noValueBytes)) throw HttpFailure.Invalid("A header of the reply holds a control character.");

            if (Ascii.EqualsIgnoreCase(name, "Content-Length"u8)) length = ReadLength(value, length);
            else if (Ascii.EqualsIgnoreCase(name, "Transfer-Encoding"u8)) isChunked = IsChunked(value, isChunked);
            else if (Ascii.EqualsIgnoreCase(name, "Connection"u8) && Names(value, "close"u8)) keepAlive = false;

            var text = Encoding.Latin1.GetString(value);
            var header = Encoding.ASCII.GetString(name);
            if (!reply.Headers.TryAddWithoutValidation(header, text)) content.Headers.TryAddWithoutValidation(header, text);
        }

        if (isChunked && length is not null) throw HttpFailure.Invalid("The reply has both a Content-Length and a Transfer-Encoding.");
        framing = isChunked ? BodyFraming.Chunked : length is { } known ? BodyFraming.Of(known) : BodyFraming.UntilClose;
        return reply;
    }

    private static HttpResponseMessage ReadStatus(ReadOnlySpan<byte> line)
    {
        // HTTP/1.1 200 OK
        if (line.Length < 12 || !line.StartsWith("HTTP/1."u8) || line[7] is not ((byte)'0' or (byte)'1') || line[8] != ' ' || (line.Length > 12 && line[12] != ' '))
            throw HttpFailure.Invalid("The reply does not begin as HTTP/1.1 does.");
        if (line[9] is < (byte)'1' or > (byte)'9' || !char.IsAsciiDigit((char)line[10]) || !char.IsAsciiDigit((char)line[11]) || line.ContainsAny(_noValueBytes))
            throw HttpFailure.Invalid("The reply's status is no status.");
        var status = ((line[9] - '0') * 100) + ((line[10] - '0') * 10) + line[11] - '0';
        var reply = new HttpResponseMessage((HttpStatusCode)status) { Version = line[7] == '1' ? HttpVersion.Version11 : HttpVersion.Version10 };
        var reason = line.Length > 13 ? line[13..] : default;
        if (!Ascii.Equals(reason, reply.ReasonPhrase)) reply.ReasonPhrase = Encoding.Latin1.GetString(reason);
        return reply;
    }

    /// <summary>The next line without its end, and those that go on with it (RFC 9112, 5.2); empty at the end of the head.</summary>
    private static Span<byte> NextLine(ref Span<byte> head)
    {
        var from = 0;
        while (true)
        {
            var end = from + head[from..].IndexOf((byte)'\n');
            if (end == 0 || head[end - 1] != '\r') throw BareLineFeed();
            if (end > 1 && head.Length > end + 1 && head[end + 1] is (byte)' ' or (byte)'\t')
            {
                head[end - 1] = head[end] = (byte)' ';
                from = end + 1;
                continue;
            }

            var line = head[..(end - 1)];
            head = head[(end + 1)..];
            return line;
        }
    }

    private static HttpIOException BareLineFeed() => HttpFailure.Invalid("A line of the reply's head does not end in CRLF.");

    private static long ReadLength(ReadOnlySpan<byte> value, long? before)
    {
        if (value.IsEmpty || value.ContainsAnyExceptInRange((byte)'0', (byte)'9') || !long.TryParse(value, out var length))
            throw HttpFailure.Invalid("The reply's Content-Length is no length.");
        if (before is { } other && other != length) throw HttpFailure.Invalid("The reply has two lengths.");
        return length;
    }

    private static bool IsChunked(ReadOnlySpan<byte> value, bool before) =>
        !before && Ascii.EqualsIgnoreCase(value, "chunked"u8) ? true : throw HttpFailure.Invalid("The reply's Transfer-Encoding is not just chunked, which is all that is taken.");

    private static bool Names(ReadOnlySpan<byte> list, ReadOnlySpan<byte> name)
    {
        foreach (var part in list.Split((byte)','))
        {
            if (Ascii.EqualsIgnoreCase(list[part].Trim(" \t"u8), name)) return true;
        }

        return false;
    }
}
