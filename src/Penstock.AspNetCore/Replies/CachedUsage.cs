using System.Buffers;

namespace Penstock.AspNetCore.Replies;

/// <summary>
/// Usage as a hit of the cache shows it: the tokens are those of the answer that there was, and its <c>source</c> is <c>cache</c>, so that
/// nobody pays for them twice. Everything else of the answer is shown byte for byte.
/// </summary>
internal static class CachedUsage
{
    private static ReadOnlySpan<byte> Source => "\"source\":\""u8;

    /// <summary>Whether something may say usage. (Inside a text there would be a backslash in it.)</summary>
    public static bool IsIn(ReadOnlySpan<byte> bytes) => bytes.IndexOf("\"usage"u8) >= 0;

    /// <summary>Writes what was written, with the source of all usage in it.</summary>
    public static void Write(ReadOnlySpan<byte> written, IBufferWriter<byte> output)
    {
        if (written.IndexOf("{\"type\":\"usage\","u8) >= 0) // a native event, which has a source
        {
            var at = written.IndexOf(Source) + Source.Length;
            output.Write(written[..at]);
            output.Write("cache"u8);
            output.Write(written[(at + written[at..].IndexOf((byte)'"'))..]);
            return;
        }

        while (TryFind(written, out var inside))
        {
            output.Write(written[..inside]);
            output.Write("\"source\":\"cache\""u8);
            written = written[inside..];
            if (written.TrimStart(" \t\r\n"u8) is [not (byte)'}', ..]) output.Write(","u8);
        }

        output.Write(written);
    }

    // The place behind the brace of {"usage": {…}} or {"usageMetadata": {…}}.
    private static bool TryFind(ReadOnlySpan<byte> json, out int inside)
    {
        inside = 0;
        while (json[inside..].IndexOf("\"usage"u8) is >= 0 and var at)
        {
            inside += at + "\"usage"u8.Length;
            var rest = json[inside..];
            if (rest.StartsWith("Metadata"u8)) rest = rest["Metadata"u8.Length..];
            if (rest is not [(byte)'"', ..]) continue;
            rest = rest[1..].TrimStart(" \t\r\n"u8);
            if (rest is not [(byte)':', ..]) continue;
            rest = rest[1..].TrimStart(" \t\r\n"u8);
            if (rest is not [(byte)'{', ..]) continue;
            inside = json.Length - rest.Length + 1;
            return true;
        }

        return false;
    }
}
