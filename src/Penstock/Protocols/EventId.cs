using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Penstock.Protocols;

/// <summary>
/// The SSE <c>id</c> of an event: <c>&lt;generation&gt;.&lt;offset&gt;</c>. A record that a protocol shows as several frames
/// numbers all but its last, <c>&lt;generation&gt;.&lt;offset&gt;.&lt;part&gt;</c>, so that a client cut between them misses and repeats none.
/// </summary>
/// <param name="Generation">The generation's id, ASCII of <c>[A-Za-z0-9_-]</c>.</param>
/// <param name="Offset">The record's offset in the generation's stream.</param>
/// <param name="Part">How many of the record's frames the client has, or 0 when it has the whole record.</param>
/// <param name="InSnapshot">The frames are not the record's but those of a snapshot that ends with it: <c>&lt;generation&gt;.&lt;offset&gt;.s&lt;part&gt;</c>.</param>
public readonly record struct EventId(string Generation, long Offset, int Part = 0, bool InSnapshot = false)
{
    /// <summary>More than this, or other characters than <c>[A-Za-z0-9._-]</c>, and a browser preflights the reconnection.</summary>
    public const int MaxLength = 128;

    /// <summary>The id of a frame that has none: it stands in no log.</summary>
    public static readonly EventId None = new("", 0);

    /// <summary>Writes the <c>id:</c> line of a frame.</summary>
    public void WriteLine(IBufferWriter<byte> output)
    {
        if (Generation.Length == 0) return;
        var span = output.GetSpan(Generation.Length + 48);
        "id: "u8.CopyTo(span);
        var length = 4 + Encoding.ASCII.GetBytes(Generation, span[4..]);
        span[length++] = (byte)'.';
        Utf8Formatter.TryFormat(Offset, span[length..], out var digits);
        length += digits;
        if (Part > 0)
        {
            span[length++] = (byte)'.';
            if (InSnapshot) span[length++] = (byte)'s';
            Utf8Formatter.TryFormat(Part, span[length..], out digits);
            length += digits;
        }

        span[length++] = (byte)'\n';
        output.Advance(length);
    }

    public override string ToString() => Part > 0
        ? string.Create(CultureInfo.InvariantCulture, $"{Generation}.{Offset}.{(InSnapshot ? "s" : "")}{Part}")
        : string.Create(CultureInfo.InvariantCulture, $"{Generation}.{Offset}");

    /// <summary>Reads what <see cref="ToString"/> writes; false for anything else.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out EventId id)
    {
        id = default;
        if (text.Length > MaxLength) return false;
        var dot = text.IndexOf('.');
        if (dot <= 0 || text[..dot].ContainsAnyExcept(_allowed)) return false;
        var rest = text[(dot + 1)..];
        var second = rest.IndexOf('.');
        var part = 0;
        var inSnapshot = second >= 0 && rest[(second + 1)..].StartsWith('s');
        if (second >= 0 && (!int.TryParse(rest[(second + (inSnapshot ? 2 : 1))..], NumberStyles.None, CultureInfo.InvariantCulture, out part) || part == 0)) return false;
        if (!long.TryParse(second < 0 ? rest : rest[..second], NumberStyles.None, CultureInfo.InvariantCulture, out var offset)) return false;
        id = new EventId(text[..dot].ToString(), offset, part, inSnapshot);
        return true;
    }

    private static readonly SearchValues<char> _allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
}
