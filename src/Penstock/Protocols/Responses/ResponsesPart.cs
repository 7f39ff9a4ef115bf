using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.Responses;

internal enum ResponsesPartKind : byte
{
    Text,
    Refusal,
    Summary,
    Reasoning,

    /// <summary>The arguments of a function call, which are JSON.</summary>
    Arguments,

    /// <summary>The input of a custom tool, which is any text: it becomes the argument <c>input</c> of a function.</summary>
    Input,
    Image,
    Other,
}

/// <summary>A part of an item while it is read: one block, opened by its first text.</summary>
internal sealed class ResponsesPart(ResponsesItems items, ResponsesItem item, ResponsesPartKind kind, int index)
{
    private int _block = -1;
    private bool _said;

    public ResponsesPartKind Kind => kind;

    public int Index => index;

    public bool IsOpen { get; private set; }

    /// <summary>How many sources it has cited.</summary>
    public int Citations { get; private set; }

    public void Open(string? id, string? name, IEventSink sink)
    {
        if (_block >= 0) return;
        item.Close(sink); // of one item's parts one is open at a time
        _block = items.NewBlock();
        IsOpen = true;
        sink.Write(new GenerationEvent { Kind = EventKind.BlockStart, Block = _block, BlockKind = BlockKindOf(kind), Id = id, Name = name });
    }

    public void Append(ReadOnlySpan<byte> text, ReadOnlySpan<byte> logProbs, IEventSink sink)
    {
        if (text.IsEmpty && logProbs.IsEmpty) return;
        Open(null, null, sink);
        if (!IsOpen) return;
        _said |= !text.IsEmpty;
        if (logProbs.IsEmpty)
        {
            sink.Write(new GenerationEvent { Kind = EventKind.Delta, Block = _block, Text = text });
            return;
        }

        // As Chat Completions wraps the same list.
        var wrapped = new ArrayBufferWriter<byte>(logProbs.Length + 16);
        wrapped.Write("{\"content\":"u8);
        wrapped.Write(logProbs);
        wrapped.Write("}"u8);
        sink.Write(new GenerationEvent { Kind = EventKind.Delta, Block = _block, Text = text, LogProbs = wrapped.WrittenSpan });
    }

    /// <summary>Takes the whole text where no delta came.</summary>
    public void AppendMissing(ReadOnlySpan<byte> whole, IEventSink sink)
    {
        if (_said) return;
        if (!JsonValue.IsObject(whole))
        {
            Append(JsonValue.Inside(whole), default, sink);
            return;
        }

        var escaped = new ArrayBufferWriter<byte>(whole.Length * 2);
        JsonText.Escape(whole, escaped); // arguments that are an object
        Append(escaped.WrittenSpan, default, sink);
    }

    /// <summary>Takes a piece of a custom tool's input, which is text within JSON within JSON.</summary>
    public void AppendInput(ReadOnlySpan<byte> input, IEventSink sink)
    {
        if (input.IsEmpty) return;
        if (!_said) Append("{\\\"input\\\":\\\""u8, default, sink);
        var escaped = new ArrayBufferWriter<byte>(input.Length * 2);
        JsonText.Escape(input, escaped);
        Append(escaped.WrittenSpan, default, sink);
    }

    public void EndInput(ReadOnlySpan<byte> whole, IEventSink sink)
    {
        if (!_said) AppendInput(whole, sink);
        if (_said) Append("\\\"}"u8, default, sink);
    }

    public void Cite(JsonElement annotation, IEventSink sink)
    {
        Citations++;
        Open(null, null, sink);
        if (!IsOpen) return;
        var citation = new ArrayBufferWriter<byte>();
        ResponsesAnnotation.Read(annotation).Write(citation);
        sink.Write(new GenerationEvent { Kind = EventKind.Delta, Block = _block, Citation = citation.WrittenSpan });
    }

    public void Sign(ReadOnlySpan<byte> signature, IEventSink sink) =>
        sink.Write(new GenerationEvent { Kind = EventKind.Delta, Block = _block, Signature = signature });

    public void Close(IEventSink sink)
    {
        if (!IsOpen) return;
        IsOpen = false;
        sink.Write(new GenerationEvent { Kind = EventKind.BlockStop, Block = _block });
    }

    private static BlockKind BlockKindOf(ResponsesPartKind kind) => kind switch
    {
        ResponsesPartKind.Text => BlockKind.Text,
        ResponsesPartKind.Refusal => BlockKind.Refusal,
        ResponsesPartKind.Summary or ResponsesPartKind.Reasoning => BlockKind.Reasoning,
        ResponsesPartKind.Arguments or ResponsesPartKind.Input => BlockKind.ToolCall,
        ResponsesPartKind.Image => BlockKind.Image,
        _ => BlockKind.Other,
    };
}
