using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using Penstock.Sse;
using Penstock.Streams;

namespace Penstock.AspNetCore.Endpoints.DurableStreams;

/// <summary>Events of a stream as server-sent events: the data, if there is any, and the control event that says how far it goes.</summary>
/// <param name="Start">The first offset in it.</param>
/// <param name="End">The offset that comes next.</param>
/// <param name="Cursor">The cursor that it tells.</param>
/// <param name="IsLast">It tells that the stream is closed.</param>
/// <param name="Bytes">What is sent.</param>
internal sealed record SseFrame(long Start, long End, long Cursor, bool IsLast, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>Encodes events, one after another in a batch.</summary>
    public static SseFrame Encode(StreamRead read, StreamBatch events, long start, StreamInfo info, long cursor)
    {
        var output = new ArrayBufferWriter<byte>(events.Bytes.Length + (events.Count * 8) + 256);
        var end = start + events.Count;
        if (events.Count > 0)
        {
            SseWriter.Event(output, "data"u8);
            if (read.Metadata.IsJson) WriteJson(events, output);
            else if (read.Metadata.IsText) WriteText(events.Bytes, output);
            else WriteBase64(events.Bytes, output);
            SseWriter.End(output);
        }

        var isUpToDate = end == info.NextOffset;
        var isLast = isUpToDate && info.Closed;
        SseWriter.Event(output, "control"u8);
        output.Write("data:{\"streamNextOffset\":\""u8);
        WriteOffset(end, output);
        if (!isLast)
        {
            output.Write("\",\"streamCursor\":\""u8);
            cursor.TryFormat(output.GetSpan(20), out var written, provider: CultureInfo.InvariantCulture);
            output.Advance(written);
        }

        output.Write(isLast ? "\",\"upToDate\":true,\"streamClosed\":true}\nid: "u8 : isUpToDate ? "\",\"upToDate\":true}\nid: "u8 : "\"}\nid: "u8);
        WriteOffset(end, output);
        output.Write("\n"u8);
        SseWriter.End(output);
        return new SseFrame(start, end, cursor, isLast, output.WrittenMemory);
    }

    private static void WriteJson(StreamBatch events, ArrayBufferWriter<byte> output)
    {
        output.Write("data:[\n"u8);
        for (var i = 0; i < events.Count; i++)
        {
            if (i > 0) output.Write("data:,\n"u8);
            WriteText(events[i], output);
        }

        output.Write("data:]\n"u8);
    }

    // Without the optional space, as the protocol's own tests want it; a line that begins with one needs another.
    private static void WriteText(ReadOnlySpan<byte> text, ArrayBufferWriter<byte> output)
    {
        while (true)
        {
            var end = text.IndexOfAny((byte)'\n', (byte)'\r');
            var line = end < 0 ? text : text[..end];
            output.Write(line.StartsWith(" "u8) ? "data: "u8 : "data:"u8);
            output.Write(line);
            output.Write("\n"u8);
            if (end < 0) return;
            var isPair = text[end] == '\r' && end + 1 < text.Length && text[end + 1] == '\n';
            text = text[(end + (isPair ? 2 : 1))..];
        }
    }

    private static void WriteBase64(ReadOnlySpan<byte> bytes, ArrayBufferWriter<byte> output)
    {
        output.Write("data:"u8);
        Base64.EncodeToUtf8(bytes, output.GetSpan(Base64.GetMaxEncodedToUtf8Length(bytes.Length)), out _, out var written);
        output.Advance(written);
        output.Write("\n"u8);
    }

    private static void WriteOffset(long offset, ArrayBufferWriter<byte> output)
    {
        StreamOffset.Format(offset, output.GetSpan(StreamOffset.Length));
        output.Advance(StreamOffset.Length);
    }
}
