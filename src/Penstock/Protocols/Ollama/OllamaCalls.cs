using System.Buffers;

namespace Penstock.Protocols.Ollama;

/// <summary>Gathers tool calls, which Ollama shows whole.</summary>
internal sealed class OllamaCalls
{
    private readonly Dictionary<int, Call> _open = [];

    public void Start(in GenerationEvent start) => _open[start.Block] = new Call(start.Name);

    /// <returns>False when the block is not a call.</returns>
    public bool TryAdd(in GenerationEvent delta)
    {
        if (!_open.TryGetValue(delta.Block, out var call)) return false;
        call.High = JsonText.Unescape(delta.Text, call.High, call.Arguments);
        return true;
    }

    /// <summary>Writes the call that is whole now; nothing if the block is not a call.</summary>
    public bool TryStop(int block, IBufferWriter<byte> output)
    {
        if (!_open.Remove(block, out var call)) return false;
        OllamaLine.WriteCall(call.Name, call.Arguments.WrittenSpan, output);
        return true;
    }

    public void Clear() => _open.Clear();

    private sealed class Call(string? name)
    {
        public string? Name => name;

        public ArrayBufferWriter<byte> Arguments { get; } = new();

        /// <summary>Half a character at the end of a delta, until its other half comes.</summary>
        public char High { get; set; }
    }
}
