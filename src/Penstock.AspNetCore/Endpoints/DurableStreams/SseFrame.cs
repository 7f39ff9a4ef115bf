using System.Buffers.Text;
using System.Globalization;
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
    /// <summary>Encodes events.</summary>
    /// <param name="metadata">The stream's.</param>
    /// <param name="bytes">The events, one after another.</param>
    /// <param name="ends">Where in them each ends.</param>
    /// <param name="start">The offset of the first.</param>
    /// <param name="tail">How far the stream has come.</param>
    /// <param name="cursor">The cursor to tell.</param>
    public static SseFrame Encode(StreamMetadata metadata, ReadOnlySpan<byte> bytes, ReadOnlySpan<int> ends, long start, StreamTail tail, long cursor)
    {
        var output = new FrameWriter(bytes.Length + (ends.Length * 8) + 256);
        var end = start + ends.Length;
        if (ends.Length > 0)
        {
            output.Write("event: data\n"u8);
            if (metadata.IsJson) WriteJson(bytes, ends, ref output);
            else if (metadata.IsText) WriteText(bytes, ref output);
            else WriteBase64(bytes, ref output);
            output.Write("\n"u8);
        }

        var isUpToDate = end == tail.NextOffset;
        var isLast = isUpToDate && tail.Closed;
        output.Write("event: control\ndata:{\"streamNextOffset\":\""u8);
        WriteOffset(end, ref output);
        if (!isLast)
        {
            output.Write("\",\"streamCursor\":\""u8);
            cursor.TryFormat(output.Room(20), out var written, provider: CultureInfo.InvariantCulture);
            output.Advance(written);
        }

        output.Write(isLast ? "\",\"upToDate\":true,\"streamClosed\":true}\nid: "u8 : isUpToDate ? "\",\"upToDate\":true}\nid: "u8 : "\"}\nid: "u8);
        WriteOffset(end, ref output);
        output.Write("\n\n"u8);
        return new SseFrame(start, end, cursor, isLast, output.Written);
    }

    private static void WriteJson(ReadOnlySpan<byte> bytes, ReadOnlySpan<int> ends, ref FrameWriter output)
    {
        output.Write("data:[\n"u8);
        for (var i = 0; i < ends.Length; i++)
        {
            if (i > 0) output.Write("data:,\n"u8);
            WriteText(bytes[(i == 0 ? 0 : ends[i - 1])..ends[i]], ref output);
        }

        output.Write("data:]\n"u8);
    }

    // Without the optional space, as the protocol's own tests want it; a line that begins with one needs another.
    private static void WriteText(ReadOnlySpan<byte> text, ref FrameWriter output)
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

    private static void WriteBase64(ReadOnlySpan<byte> bytes, ref FrameWriter output)
    {
        output.Write("data:"u8);
        Base64.EncodeToUtf8(bytes, output.Room(Base64.GetMaxEncodedToUtf8Length(bytes.Length)), out _, out var written);
        output.Advance(written);
        output.Write("\n"u8);
    }

    private static void WriteOffset(long offset, ref FrameWriter output)
    {
        StreamOffset.Format(offset, output.Room(StreamOffset.Length));
        output.Advance(StreamOffset.Length);
    }

    /// <summary>Bytes that grow. A follower waits for them, and each call of an interface on the way is one more place to be fetched.</summary>
    private struct FrameWriter(int size)
    {
        private byte[] _bytes = new byte[size];
        private int _length;

        public readonly ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _length);

        public Span<byte> Room(int size)
        {
            if (_bytes.Length - _length < size) Array.Resize(ref _bytes, Math.Max(_length + size, _bytes.Length * 2));
            return _bytes.AsSpan(_length);
        }

        public void Advance(int count) => _length += count;

        public void Write(ReadOnlySpan<byte> bytes)
        {
            bytes.CopyTo(Room(bytes.Length));
            _length += bytes.Length;
        }
    }
}
