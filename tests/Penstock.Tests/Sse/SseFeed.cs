using System.Text;
using Penstock.Sse;

namespace Penstock.Tests.Sse;

/// <summary>A frame as a test compares it, with the last event id at its dispatch.</summary>
internal sealed record Frame(string Data, string Event = "", string Id = "");

/// <summary>Feeds a reader a stream in pieces and collects what comes out.</summary>
internal static class SseFeed
{
    public static List<Frame> Read(SseReader reader, params IEnumerable<byte[]> pieces)
    {
        var frames = new List<Frame>();
        foreach (var piece in pieces)
        {
            // A copy, wiped afterwards: a reader that keeps a slice of its input is found out.
            var copy = piece.ToArray();
            ReadOnlySpan<byte> input = copy;
            while (reader.TryRead(ref input, out var frame))
            {
                frames.Add(new Frame(Text(frame.Data), Text(frame.Event), Text(reader.LastEventId)));
            }

            input.Length.ShouldBe(0);
            copy.AsSpan().Fill((byte)'#');
        }

        return frames;
    }

    public static List<Frame> Read(params IEnumerable<byte[]> pieces)
    {
        using var reader = new SseReader();
        return Read(reader, pieces);
    }

    /// <summary>Every way to cut the bytes that a test of one stream wants: whole, in two at each offset, byte by byte.</summary>
    public static IEnumerable<byte[][]> Cuts(byte[] bytes)
    {
        yield return [bytes];
        for (var at = 0; at <= bytes.Length; at++) yield return [bytes[..at], bytes[at..]];
        yield return [.. bytes.Select(b => new[] { b })];
    }

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);
}
