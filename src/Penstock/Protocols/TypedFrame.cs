using System.Buffers;
using Penstock.Sse;

namespace Penstock.Protocols;

/// <summary>Writes a frame whose data is an object that says its type, <c>data: {"type":"…",…}</c>, member by member.</summary>
internal readonly ref struct TypedFrame
{
    private readonly IBufferWriter<byte> _output;

    public TypedFrame(IBufferWriter<byte> output, ReadOnlySpan<byte> type)
    {
        _output = output;
        output.Write("data: {\"type\":\""u8);
        output.Write(type);
        output.Write("\""u8);
    }

    /// <summary>Writes a text member; its name comes with the comma before and the colon behind.</summary>
    public TypedFrame Text(ReadOnlySpan<byte> name, string text)
    {
        _output.Write(name);
        JsonText.WriteString(text, _output);
        return this;
    }

    /// <summary>Writes a text member whose text is JSON-escaped already.</summary>
    public TypedFrame Escaped(ReadOnlySpan<byte> name, ReadOnlySpan<byte> text)
    {
        _output.Write(name);
        _output.Write("\""u8);
        _output.Write(text);
        _output.Write("\""u8);
        return this;
    }

    /// <summary>Writes a member that is JSON, on one line.</summary>
    public TypedFrame Raw(ReadOnlySpan<byte> name, ReadOnlySpan<byte> json)
    {
        _output.Write(name);
        var writer = new SpanWriter(_output.GetSpan(json.Length + 1));
        writer.AppendOnOneLine(json);
        _output.Advance(writer.Length);
        return this;
    }

    /// <summary>Writes a <c>data:</c> URL.</summary>
    public TypedFrame Data(ReadOnlySpan<byte> name, string mediaType, ReadOnlySpan<byte> base64)
    {
        _output.Write(name);
        _output.Write("\"data:"u8);
        JsonText.Escape(mediaType, _output);
        _output.Write(";base64,"u8);
        _output.Write(base64);
        _output.Write("\""u8);
        return this;
    }

    public void End(EventId id)
    {
        _output.Write("}\n"u8);
        id.WriteLine(_output);
        SseWriter.End(_output);
    }
}
