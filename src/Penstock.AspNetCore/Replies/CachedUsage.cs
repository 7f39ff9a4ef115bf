using System.Buffers;

namespace Penstock.AspNetCore.Replies;

/// <summary>
/// Usage as a hit of the cache shows it: the tokens are those of the answer that there was, and its <c>source</c> is <c>cache</c>, so that
/// nobody pays for them twice. Everything else of the answer is shown byte for byte.
/// </summary>
internal static class CachedUsage
{
    // As in {"response":{"usage":{…}}}. What is deeper is what was asked and answered: a tool's arguments may have that name too.
    private const int Deepest = 2;

    private static readonly SearchValues<byte> _structure = SearchValues.Create("{}[]\""u8);

    private static ReadOnlySpan<byte> Source => "\"source\":\""u8;

    /// <summary>Whether something may say usage.</summary>
    public static bool IsIn(ReadOnlySpan<byte> bytes) => bytes.IndexOf("\"usage"u8) >= 0;

    /// <summary>Writes what was written, with the source of all usage in it.</summary>
    public static void Write(ReadOnlySpan<byte> written, IBufferWriter<byte> output)
    {
        if (IsNative(written) && written.IndexOf(Source) is >= 0 and var place) // it has a source
        {
            var at = place + Source.Length;
            output.Write(written[..at]);
            output.Write("cache"u8);
            output.Write(written[(at + written[at..].IndexOf((byte)'"'))..]);
            return;
        }

        var (depth, from) = (0, 0);
        for (var i = 0; written[i..].IndexOfAny(_structure) is >= 0 and var next; i++)
        {
            i += next;
            if (written[i] != '"')
            {
                depth += written[i] is (byte)'{' or (byte)'[' ? 1 : -1;
                continue;
            }

            var end = EndOfString(written, i + 1);
            if (depth <= Deepest && IsUsage(written[(i + 1)..end]) && InsideOf(written, end + 1) is >= 0 and var inside)
            {
                output.Write(written[from..inside]);
                output.Write("\"source\":\"cache\""u8);
                if (written[inside..].TrimStart(" \t\r\n"u8) is [not (byte)'}', ..]) output.Write(","u8);
                (from, end) = (inside, inside - 1);
                depth++;
            }

            i = end;
            if (i >= written.Length) break;
        }

        output.Write(written[from..]);
    }

    // A native event stands at a line's beginning, as no argument of a call does.
    private static bool IsNative(ReadOnlySpan<byte> written) =>
        written.IndexOf("{\"type\":\"usage\","u8) is >= 0 and var at && (at == 0 || written[..at].EndsWith("\ndata: "u8));

    private static bool IsUsage(ReadOnlySpan<byte> name) => name.SequenceEqual("usage"u8) || name.SequenceEqual("usageMetadata"u8);

    // Where the quote is that ends it.
    private static int EndOfString(ReadOnlySpan<byte> json, int at)
    {
        while (json[Math.Min(at, json.Length)..].IndexOfAny((byte)'"', (byte)'\\') is >= 0 and var next)
        {
            at += next;
            if (json[at] == '"') return at;
            at += 2;
        }

        return json.Length;
    }

    // The place behind the brace of an object that is a name's value; negative for any other value.
    private static int InsideOf(ReadOnlySpan<byte> json, int at)
    {
        var rest = json[Math.Min(at, json.Length)..].TrimStart(" \t\r\n"u8);
        if (rest is not [(byte)':', ..]) return -1;
        rest = rest[1..].TrimStart(" \t\r\n"u8);
        return rest is [(byte)'{', ..] ? json.Length - rest.Length + 1 : -1;
    }
}
