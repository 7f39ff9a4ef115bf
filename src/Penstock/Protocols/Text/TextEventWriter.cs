using System.Buffers;
using Penstock.Sse;

namespace Penstock.Protocols.Text;

/// <summary>Writes the text of the first choice token by token; reasoning and tool calls are not shown.</summary>
internal sealed class TextEventWriter(bool namesTokens, bool namesDone) : EventWriter
{
    private readonly HashSet<int> _textBlocks = [];
    private readonly ArrayBufferWriter<byte> _token = new();

    // Half a character at the end of a delta, until its other half comes.
    private char _high;

    private static ReadOnlySpan<byte> Done => "[DONE]"u8;

    public override void Write(in GenerationEvent generationEvent, EventId id, IBufferWriter<byte> output)
    {
        switch (generationEvent.Kind)
        {
            case EventKind.BlockStart when generationEvent is { BlockKind: BlockKind.Text, Choice: 0 }:
                _textBlocks.Add(generationEvent.Block);
                break;
            case EventKind.Delta when _textBlocks.Contains(generationEvent.Block):
                _token.ResetWrittenCount();
                _high = JsonText.Unescape(generationEvent.Text, _high, _token);
                WriteToken(id, output);
                break;
            case EventKind.BlockStop when _high != 0 && _textBlocks.Contains(generationEvent.Block):
                _token.ResetWrittenCount();
                _token.Write("\uFFFD"u8);
                _high = '\0';
                WriteToken(id, output);
                break;
            case EventKind.Reset:
                _textBlocks.Clear();
                _high = '\0';
                SseWriter.Event(output, "reset"u8); // a page clears what it has; to one that knows nothing of it, the event is nothing
                SseWriter.Data(output, "{}"u8);
                EndFrame(id, output);
                break;
            case EventKind.Finished or EventKind.Stopped:
                if (namesDone) SseWriter.Event(output, "done"u8);
                SseWriter.Data(output, Done);
                EndFrame(id, output);
                break;
            case EventKind.Failed or EventKind.Interrupted:
                SseWriter.Event(output, "error"u8);
                _token.ResetWrittenCount();
                JsonText.WriteUtf8(generationEvent.Error?.Message ?? "The answer ended too early: try again.", _token);
                SseWriter.Text(output, _token.WrittenSpan);
                EndFrame(id, output);
                break;
        }
    }

    private void WriteToken(EventId id, IBufferWriter<byte> output)
    {
        var token = _token.WrittenSpan;
        if (token.IsEmpty) return;
        if (token.SequenceEqual(Done))
        {
            // A model that says "[DONE]" is not done, and many clients look at the data alone: it is shown in two pieces.
            WriteFrame(token[..1], id with { Part = 1 }, output);
            token = token[1..];
        }

        WriteFrame(token, id, output);
    }

    private void WriteFrame(ReadOnlySpan<byte> token, EventId id, IBufferWriter<byte> output)
    {
        if (namesTokens) SseWriter.Event(output, "token"u8);
        SseWriter.Text(output, token);
        EndFrame(id, output);
    }

    private static void EndFrame(EventId id, IBufferWriter<byte> output)
    {
        id.WriteLine(output);
        SseWriter.End(output);
    }
}
