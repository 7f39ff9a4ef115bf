using System.Buffers;
using Penstock.Sse;

namespace Penstock.Protocols.Ollama;

/// <summary>Writes a generation as Ollama's stream: an object for each piece of the first answer.</summary>
internal sealed class OllamaEventWriter(OllamaLine line) : EventWriter
{
    private readonly Dictionary<int, BlockKind> _blocks = [];
    private readonly OllamaCalls _calls = new();
    private Usage? _usage;

    public override void Write(in GenerationEvent generationEvent, EventId id, IBufferWriter<byte> output)
    {
        _usage = generationEvent.Usage ?? _usage;
        switch (generationEvent.Kind)
        {
            case EventKind.BlockStart when generationEvent is { Choice: 0, BlockKind: BlockKind.Text or BlockKind.Refusal or BlockKind.Reasoning }:
                _blocks[generationEvent.Block] = generationEvent.BlockKind;
                break;
            case EventKind.BlockStart when generationEvent is { Choice: 0, BlockKind: BlockKind.ToolCall }:
                _calls.Start(generationEvent);
                break;
            case EventKind.Delta when !generationEvent.Text.IsEmpty && _blocks.TryGetValue(generationEvent.Block, out var kind):
                output.Write("data: "u8);
                if (kind == BlockKind.Reasoning) line.WriteText(default, generationEvent.Text, output);
                else line.WriteText(generationEvent.Text, default, output);
                EndFrame(id, output);
                break;
            case EventKind.Delta:
                _calls.TryAdd(generationEvent);
                break;
            case EventKind.BlockStop:
                WriteStop(generationEvent.Block, id, output);
                break;
            case EventKind.Reset:
                _blocks.Clear();
                _calls.Clear();
                break;
            case EventKind.Finished or EventKind.Stopped:
                output.Write("data: "u8);
                line.WriteDone(default, default, default, OllamaLine.Reason(generationEvent.Reason), _usage, output);
                EndFrame(id, output);
                break;
            case EventKind.Failed or EventKind.Interrupted:
                output.Write("data: "u8);
                OllamaLine.WriteError(generationEvent.Error?.Message ?? "The answer ended too early: try again.", output);
                EndFrame(id, output);
                break;
        }
    }

    private void WriteStop(int block, EventId id, IBufferWriter<byte> output)
    {
        _blocks.Remove(block);
        var call = new ArrayBufferWriter<byte>();
        if (!_calls.TryStop(block, call)) return;
        output.Write("data: "u8);
        line.WriteCalls(call.WrittenSpan, output);
        EndFrame(id, output);
    }

    private static void EndFrame(EventId id, IBufferWriter<byte> output)
    {
        SseWriter.End(output);
        id.WriteLine(output);
        SseWriter.End(output);
    }
}
