using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>The tool calls of one choice while they are read. Which call a piece belongs to is said in many ways in the wild.</summary>
internal sealed class ChatToolCalls(int choice, BlockCounter blocks)
{
    private readonly List<Call> _calls = [];
    private readonly ArrayBufferWriter<byte> _scratch = new();

    public bool Any => _calls.Count > 0;

    /// <summary>Reads one element of <c>tool_calls</c>.</summary>
    public void Take(ReadOnlySpan<byte> json, IEventSink sink)
    {
        int? index = null;
        ReadOnlySpan<byte> id = default, function = default, extra = default;
        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("index"u8))
            {
                reader.Read();
                if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var number)) index = number;
                else reader.Skip();
            }
            else if (reader.ValueTextEquals("id"u8)) id = JsonValue.Inside(JsonValue.Read(ref reader, json));
            else if (reader.ValueTextEquals("function"u8) || reader.ValueTextEquals("custom"u8)) function = JsonValue.Read(ref reader, json);
            else if (reader.ValueTextEquals("extra_content"u8)) extra = JsonValue.Read(ref reader, json);
            else reader.Skip();
        }

        var block = TakeFunction(index, id, function, sink);
        if (SignatureOf(extra) is { IsEmpty: false } signature) sink.Write(new GenerationEvent { Kind = EventKind.Delta, Block = block, Signature = signature });
    }

    /// <summary>Reads a <c>function_call</c>, of which there is only one.</summary>
    public void TakeLegacy(ReadOnlySpan<byte> function, IEventSink sink)
    {
        TakeFunction(0, default, function, sink);
        EndPayload();
    }

    /// <summary>Within one payload every named call is a call of its own; from here on a name may be a repetition.</summary>
    public void EndPayload()
    {
        foreach (var call in _calls) call.Touched = false;
    }

    public void Close(IEventSink sink)
    {
        foreach (var call in _calls)
        {
            if (!call.Closed) sink.Write(new GenerationEvent { Kind = EventKind.BlockStop, Block = call.Block });
            call.Closed = true;
        }
    }

    private int TakeFunction(int? index, ReadOnlySpan<byte> id, ReadOnlySpan<byte> function, IEventSink sink)
    {
        ReadOnlySpan<byte> name = default, arguments = default;
        if (JsonValue.IsObject(function))
        {
            var reader = new Utf8JsonReader(function);
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("name"u8)) name = JsonValue.Inside(JsonValue.Read(ref reader, function));
                else if (reader.ValueTextEquals("arguments"u8) || reader.ValueTextEquals("input"u8)) arguments = JsonValue.Read(ref reader, function);
                else reader.Skip();
            }
        }

        var call = Find(index, id, name) ?? Open(index, id, name, sink);
        call.Touched = true;
        if (JsonValue.IsObject(arguments))
        {
            call.Whole = true;
            _scratch.ResetWrittenCount();
            JsonText.Escape(arguments, _scratch);
            arguments = _scratch.WrittenSpan;
        }
        else
        {
            arguments = JsonValue.Inside(arguments);
            // Named and given in one piece: should the name come again, it is the next call.
            if (!name.IsEmpty && arguments is [(byte)'{', .., (byte)'}']) call.Whole = true;
        }

        if (!arguments.IsEmpty) sink.Write(new GenerationEvent { Kind = EventKind.Delta, Block = call.Block, Text = arguments });
        return call.Block;
    }

    /// <summary>Gemini's: <c>{"google":{"thought_signature":"…"}}</c>.</summary>
    private static ReadOnlySpan<byte> SignatureOf(ReadOnlySpan<byte> extra)
    {
        if (!JsonValue.IsObject(extra)) return default;
        var reader = new Utf8JsonReader(extra);
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals("thought_signature"u8)) return JsonValue.Inside(JsonValue.Read(ref reader, extra));
        }

        return default;
    }

    /// <summary>The open call that a piece continues, or null when the piece begins a new one.</summary>
    private Call? Find(int? index, ReadOnlySpan<byte> id, ReadOnlySpan<byte> name)
    {
        for (var i = _calls.Count - 1; i >= 0; i--)
        {
            var call = _calls[i];
            if (call.Closed) return null;
            if (!id.IsEmpty)
            {
                // The id decides. A call that began without one may learn it later, but not from a piece that names a function.
                if (id.SequenceEqual(call.Id) || (call.Id.Length == 0 && name.IsEmpty && index == call.Index)) return call;
                continue;
            }

            if (index is not null && index != call.Index) continue;

            // No id, and the newest call of that index (or of all): a name that differs, or a call that is complete, or a second
            // name in the same payload begins a new call. Ollama and Gemini-compatible servers number all parallel calls 0.
            var begins = !name.IsEmpty && (call.Whole || call.Touched || !name.SequenceEqual(call.Name));
            return begins ? null : call;
        }

        return null;
    }

    private Call Open(int? index, ReadOnlySpan<byte> id, ReadOnlySpan<byte> name, IEventSink sink)
    {
        var call = new Call { Block = blocks.Next++, Index = index ?? 0, Id = id.ToArray(), Name = name.ToArray() };
        _calls.Add(call);
        sink.Write(new GenerationEvent
        {
            Kind = EventKind.BlockStart,
            Block = call.Block,
            BlockKind = BlockKind.ToolCall,
            Choice = choice,
            Id = id.IsEmpty ? null : JsonText.ToText(id),
            Name = JsonText.ToText(name),
        });
        return call;
    }

    private sealed class Call
    {
        public required int Block { get; init; }

        public required int Index { get; init; }

        /// <summary>Its id as the provider escaped it; empty for none.</summary>
        public required byte[] Id { get; init; }

        public required byte[] Name { get; init; }

        /// <summary>Its arguments came in one piece, by the look of them.</summary>
        public bool Whole { get; set; }

        /// <summary>The payload that is being read spoke of it already.</summary>
        public bool Touched { get; set; }

        public bool Closed { get; set; }
    }
}
