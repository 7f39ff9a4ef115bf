using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.Messages;

/// <summary>The content blocks of an answer while they are read.</summary>
internal sealed class MessagesBlocks
{
    private readonly List<Block> _open = []; // one, but for servers that interleave
    private readonly ArrayBufferWriter<byte> _scratch = new();
    private int _next;

    /// <summary>The model called a tool of the client's.</summary>
    public bool AnyCall { get; private set; }

    /// <summary>A block begins, and may hold something already; in a document it holds all.</summary>
    public void Start(int index, ReadOnlySpan<byte> json, IEventSink sink)
    {
        Stop(index, sink);
        ReadOnlySpan<byte> type = default, id = default, name = default, text = default, signature = default, input = default, citations = default;
        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("type"u8)) type = JsonValue.Inside(JsonValue.Read(ref reader, json));
            else if (reader.ValueTextEquals("text"u8) || reader.ValueTextEquals("thinking"u8)) text = JsonValue.Inside(JsonValue.Read(ref reader, json));
            else if (reader.ValueTextEquals("signature"u8) || reader.ValueTextEquals("data"u8)) signature = JsonValue.Inside(JsonValue.Read(ref reader, json));
            else if (reader.ValueTextEquals("id"u8)) id = JsonValue.Inside(JsonValue.Read(ref reader, json));
            else if (reader.ValueTextEquals("tool_use_id"u8)) id = JsonValue.Inside(JsonValue.Read(ref reader, json));
            else if (reader.ValueTextEquals("name"u8)) name = JsonValue.Inside(JsonValue.Read(ref reader, json));
            else if (reader.ValueTextEquals("input"u8)) input = JsonValue.Read(ref reader, json);
            else if (reader.ValueTextEquals("citations"u8)) citations = JsonValue.Read(ref reader, json);
            else reader.Skip();
        }

        if (type.SequenceEqual("text"u8))
        {
            var block = Open(index, BlockKind.Text, null, null, sink);
            WriteCitations(block, citations, sink);
            Write(block, text, default, sink);
        }
        else if (type.SequenceEqual("thinking"u8))
        {
            Write(Open(index, BlockKind.Reasoning, null, null, sink), text, signature, sink);
        }
        else if (type.SequenceEqual("redacted_thinking"u8))
        {
            Write(Open(index, BlockKind.Reasoning, null, "redacted", sink), default, signature, sink);
        }
        else if (type.SequenceEqual("tool_use"u8))
        {
            AnyCall = true;
            Open(index, BlockKind.ToolCall, Text(id), JsonText.ToText(name), sink).Input = input.Length > 2 ? input.ToArray() : [];
        }
        else
        {
            StartOther(Open(index, BlockKind.Other, Text(id), JsonText.ToText(type), sink), json, input, sink);
        }
    }

    /// <summary>A piece of a block. One that never began, or not as that kind, begins here.</summary>
    public void Append(int index, ReadOnlySpan<byte> delta, IEventSink sink)
    {
        ReadOnlySpan<byte> text = default, thinking = default, signature = default, partial = default, citation = default;
        var reader = new Utf8JsonReader(delta);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("text"u8)) text = JsonValue.Inside(JsonValue.Read(ref reader, delta));
            else if (reader.ValueTextEquals("thinking"u8)) thinking = JsonValue.Inside(JsonValue.Read(ref reader, delta));
            else if (reader.ValueTextEquals("signature"u8)) signature = JsonValue.Inside(JsonValue.Read(ref reader, delta));
            else if (reader.ValueTextEquals("partial_json"u8)) partial = JsonValue.Inside(JsonValue.Read(ref reader, delta));
            else if (reader.ValueTextEquals("citation"u8)) citation = JsonValue.Read(ref reader, delta);
            else reader.Skip();
        }

        if (!text.IsEmpty && Find(index, BlockKind.Text, sink) is { } words) Write(words, text, default, sink);
        if ((!thinking.IsEmpty || !signature.IsEmpty) && Find(index, BlockKind.Reasoning, sink) is { } thought) Write(thought, thinking, signature, sink);
        if (JsonValue.IsObject(citation) && Find(index, BlockKind.Text, sink) is { } cited) WriteCitation(cited, citation, sink);
        if (!partial.IsEmpty && Get(index) is { Kind: BlockKind.ToolCall or BlockKind.Other } item)
        {
            item.Input = [];
            item.HasInput = true;
            Write(item, partial, default, sink);
        }
    }

    public void Stop(int index, IEventSink sink)
    {
        if (Get(index) is not { } block) return;
        if (block.Input.Length > 0) WriteEscaped(block, block.Input, sink); // whole at its start, and no deltas
        else if (block is { Kind: BlockKind.Other, TakesInput: true, HasInput: false }) Write(block, "{}"u8, default, sink);
        if (block.TakesInput) Write(block, "}"u8, default, sink);
        sink.Write(new GenerationEvent { Kind = EventKind.BlockStop, Block = block.Number });
        _open.Remove(block);
    }

    public void StopAll(IEventSink sink)
    {
        while (_open is [.., var block]) Stop(block.Index, sink);
    }

    // The item's input comes in pieces after its beginning, so it is written last and the item closed at the end.
    private void StartOther(Block block, ReadOnlySpan<byte> json, ReadOnlySpan<byte> input, IEventSink sink)
    {
        if (!JsonValue.IsObject(input))
        {
            WriteEscaped(block, json, sink);
            return;
        }

        block.TakesInput = true;
        block.Input = input.Length > 2 ? input.ToArray() : [];
        var item = new ArrayBufferWriter<byte>(json.Length + 16);
        item.Write("{"u8);
        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var start = (int)reader.TokenStartIndex;
            var isInput = reader.ValueTextEquals("input"u8);
            reader.Skip();
            if (isInput) continue;
            item.Write(json[start..(int)reader.BytesConsumed]);
            item.Write(","u8);
        }

        item.Write("\"input\":"u8);
        WriteEscaped(block, item.WrittenSpan, sink);
    }

    private Block? Get(int index)
    {
        foreach (var block in _open)
        {
            if (block.Index == index) return block;
        }

        return null;
    }

    /// <summary>The open block to append to; null where the piece belongs to an item that we only pass on.</summary>
    private Block? Find(int index, BlockKind kind, IEventSink sink)
    {
        var block = Get(index);
        if (block?.Kind == kind) return block;
        if (block?.Kind == BlockKind.Other) return null;
        Stop(index, sink);
        return Open(index, kind, null, null, sink);
    }

    private Block Open(int index, BlockKind kind, string? id, string? name, IEventSink sink)
    {
        var block = new Block(index, _next++, kind);
        _open.Add(block);
        sink.Write(new GenerationEvent { Kind = EventKind.BlockStart, Block = block.Number, BlockKind = kind, Id = id, Name = name });
        return block;
    }

    private static void Write(Block block, ReadOnlySpan<byte> text, ReadOnlySpan<byte> signature, IEventSink sink)
    {
        if (text.IsEmpty && signature.IsEmpty) return;
        sink.Write(new GenerationEvent { Kind = EventKind.Delta, Block = block.Number, Text = text, Signature = signature });
    }

    private void WriteEscaped(Block block, ReadOnlySpan<byte> json, IEventSink sink)
    {
        _scratch.ResetWrittenCount();
        JsonText.Escape(json, _scratch);
        Write(block, _scratch.WrittenSpan, default, sink);
    }

    private void WriteCitations(Block block, ReadOnlySpan<byte> citations, IEventSink sink)
    {
        if (!JsonValue.IsArray(citations)) return;
        var reader = new Utf8JsonReader(citations);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject) WriteCitation(block, JsonValue.ReadCurrent(ref reader, citations), sink);
    }

    private void WriteCitation(Block block, ReadOnlySpan<byte> json, IEventSink sink)
    {
        _scratch.ResetWrittenCount();
        MessagesCitations.Read(json).Write(_scratch);
        sink.Write(new GenerationEvent { Kind = EventKind.Delta, Block = block.Number, Citation = _scratch.WrittenSpan });
    }

    private static string? Text(ReadOnlySpan<byte> escaped) => escaped.IsEmpty ? null : JsonText.ToText(escaped);

    private sealed class Block(int index, int number, BlockKind kind)
    {
        /// <summary>The provider's number.</summary>
        public int Index => index;

        /// <summary>Ours.</summary>
        public int Number => number;

        public BlockKind Kind => kind;

        /// <summary>An input that stood in the block's beginning; deltas take its place.</summary>
        public byte[] Input { get; set; } = [];

        public bool HasInput { get; set; }

        /// <summary>An item that was written up to its input.</summary>
        public bool TakesInput { get; set; }
    }
}
