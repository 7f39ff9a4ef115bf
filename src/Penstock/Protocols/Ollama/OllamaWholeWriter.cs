using System.Buffers;

namespace Penstock.Protocols.Ollama;

/// <summary>Writes a generation as one object at its end.</summary>
internal sealed class OllamaWholeWriter(OllamaLine line) : EventWriter
{
    private readonly Dictionary<int, ArrayBufferWriter<byte>> _blocks = [];
    private readonly ArrayBufferWriter<byte> _text = new();
    private readonly ArrayBufferWriter<byte> _thinking = new();
    private readonly ArrayBufferWriter<byte> _calls = new();
    private readonly OllamaCalls _open = new();
    private Usage? _usage;

    public override void Write(in GenerationEvent generationEvent, EventId id, IBufferWriter<byte> output)
    {
        _usage = generationEvent.Usage ?? _usage;
        switch (generationEvent.Kind)
        {
            case EventKind.BlockStart when generationEvent is { Choice: 0, BlockKind: BlockKind.Text or BlockKind.Refusal or BlockKind.Reasoning }:
                _blocks[generationEvent.Block] = generationEvent.BlockKind == BlockKind.Reasoning ? _thinking : _text;
                break;
            case EventKind.BlockStart when generationEvent is { Choice: 0, BlockKind: BlockKind.ToolCall }:
                _open.Start(generationEvent);
                break;
            case EventKind.Delta when _blocks.TryGetValue(generationEvent.Block, out var block):
                block.Write(generationEvent.Text);
                break;
            case EventKind.Delta:
                _open.TryAdd(generationEvent);
                break;
            case EventKind.BlockStop:
                TakeCall(generationEvent.Block);
                break;
            case EventKind.Reset:
                _blocks.Clear();
                _open.Clear();
                foreach (var buffer in (ReadOnlySpan<ArrayBufferWriter<byte>>)[_text, _thinking, _calls]) buffer.ResetWrittenCount();
                break;
            case EventKind.Finished or EventKind.Stopped:
                var reason = OllamaLine.Reason(generationEvent.Reason);
                line.WriteDone(_text.WrittenSpan, _thinking.WrittenSpan, _calls.WrittenSpan, reason, _usage, output);
                break;
        }
    }

    private void TakeCall(int block)
    {
        var call = new ArrayBufferWriter<byte>();
        if (!_open.TryStop(block, call)) return;
        if (_calls.WrittenCount > 0) _calls.Write(","u8);
        _calls.Write(call.WrittenSpan);
    }
}
