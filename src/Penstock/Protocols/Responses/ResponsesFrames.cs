using System.Buffers;
using Penstock.Sse;

namespace Penstock.Protocols.Responses;

/// <summary>
/// Writes the frames of one record after another, each with the next <c>sequence_number</c>. How many frames a record has is
/// known at its end, so a frame's id is written when the next one begins.
/// </summary>
internal sealed class ResponsesFrames
{
    private IBufferWriter<byte> _output = null!;
    private EventId _id;
    private int _part;
    private bool _open;

    /// <summary>The number that the next event gets.</summary>
    public long NextSequence { get; set; }

    public void Start(EventId id, IBufferWriter<byte> output) => (_id, _output, _part, _open) = (id, output, 0, false);

    public void Finish()
    {
        if (_open) EndFrame(_id);
        _output = null!;
    }

    /// <summary>Writes an event up to its number and a comma; what follows is its members and <see cref="End"/>.</summary>
    public IBufferWriter<byte> Begin(ReadOnlySpan<byte> type)
    {
        NextFrame();
        var writer = new SpanWriter(_output.GetSpan((type.Length * 2) + 80));
        WriteHead(ref writer, type);
        _output.Advance(writer.Length);
        return _output;
    }

    public void End() => _output.Write("}\n"u8);

    /// <summary>Writes a whole event in one piece: the one that every token is.</summary>
    /// <param name="type">Its name.</param>
    /// <param name="before">Its members up to the text.</param>
    /// <param name="text">JSON-escaped text.</param>
    /// <param name="after">What follows the text.</param>
    public void Write(ReadOnlySpan<byte> type, ReadOnlySpan<byte> before, ReadOnlySpan<byte> text, ReadOnlySpan<byte> after)
    {
        NextFrame();
        var writer = new SpanWriter(_output.GetSpan((type.Length * 2) + before.Length + text.Length + after.Length + 96));
        WriteHead(ref writer, type);
        writer.Append(before);
        writer.Append(text);
        writer.AppendOnOneLine(after);
        writer.Append("}\n"u8);
        _output.Advance(writer.Length);
    }

    /// <summary>Writes an event that is JSON already; its own number stands.</summary>
    public void WriteRaw(ReadOnlySpan<byte> name, scoped ReadOnlySpan<byte> json)
    {
        NextFrame();
        if (!name.IsEmpty) SseWriter.Event(_output, name);
        var writer = new SpanWriter(_output.GetSpan(json.Length + 16));
        writer.Append("data: "u8);
        writer.AppendOnOneLine(json);
        writer.Append("\n"u8);
        _output.Advance(writer.Length);
    }

    private void WriteHead(scoped ref SpanWriter writer, ReadOnlySpan<byte> type)
    {
        writer.Append("event: "u8);
        writer.Append(type);
        writer.Append("\ndata: {\"type\":\""u8);
        writer.Append(type);
        writer.Append("\",\"sequence_number\":"u8);
        writer.Append(NextSequence++);
        writer.Append(","u8);
    }

    private void NextFrame()
    {
        if (_open) EndFrame(_id with { Part = ++_part });
        _open = true;
    }

    private void EndFrame(EventId id)
    {
        id.WriteLine(_output);
        SseWriter.End(_output);
    }
}
