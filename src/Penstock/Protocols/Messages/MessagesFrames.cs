using System.Buffers;
using Penstock.Sse;

namespace Penstock.Protocols.Messages;

/// <summary>Writes the frames of one record: each gets its id when it is known whether another follows, since all but the last are numbered.</summary>
internal ref struct MessagesFrames(EventId id, IBufferWriter<byte> output)
{
    private int _part;
    private bool _open;

    /// <summary>Begins a frame; what is written to the result is its data, on one line.</summary>
    public IBufferWriter<byte> Begin(ReadOnlySpan<byte> type)
    {
        Next();
        SseWriter.Event(output, type);
        output.Write("data: "u8);
        return output;
    }

    /// <summary>A frame of a block: <c>{"type":…,"index":…</c> and what is given.</summary>
    public void Write(ReadOnlySpan<byte> type, int index, scoped ReadOnlySpan<byte> before, scoped ReadOnlySpan<byte> text, scoped ReadOnlySpan<byte> after)
    {
        Next();
        // A token's frame is asked for in one piece.
        var writer = new SpanWriter(output.GetSpan((2 * type.Length) + before.Length + text.Length + after.Length + 64));
        writer.Append("event: "u8);
        writer.Append(type);
        writer.Append("\ndata: {\"type\":\""u8);
        writer.Append(type);
        writer.Append("\",\"index\":"u8);
        writer.Append(index);
        writer.Append(before);
        writer.Append(text);
        writer.Append(after);
        output.Advance(writer.Length);
    }

    /// <summary>Ends the last frame, if there is one.</summary>
    public void End()
    {
        if (_open) Close(id);
        _open = false;
    }

    private void Next()
    {
        if (_open) Close(id with { Part = ++_part });
        _open = true;
    }

    private readonly void Close(EventId frameId)
    {
        output.Write("\n"u8);
        frameId.WriteLine(output);
        SseWriter.End(output);
    }
}
