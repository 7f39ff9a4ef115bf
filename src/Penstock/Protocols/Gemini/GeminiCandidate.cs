using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.Gemini;

/// <summary>One of the answers while it is read: which block is open, and why it finished.</summary>
internal sealed class GeminiCandidate(int index, GeminiEventReader owner) : IChoice
{
    private readonly ArrayBufferWriter<byte> _scratch = new();
    private BlockKind _openKind;
    private int _open = -1;
    private bool _called;
    private bool _ascii = true;
    private GeminiPartialArguments? _partial;

    // A signature of text has no place in other protocols' text, but one of thoughts has: it becomes a thought that is nothing
    // else, as soon as the text ends.
    private byte[] _signature = [];
    private byte[] _grounding = [];
    private byte[] _citations = [];

    public int Index => index;

    /// <summary>The finish reason that was said, if it was.</summary>
    public FinishReason? Finish { get; private set; }

    /// <summary>Why it finished; the protocol says STOP after calls.</summary>
    public FinishReason Reason => Finish switch
    {
        null or FinishReason.Stop when _called => FinishReason.ToolCalls,
        { } reason => reason,
        null => FinishReason.Stop,
    };

    public void TakeParts(ReadOnlySpan<byte> parts, IEventSink sink)
    {
        var reader = new Utf8JsonReader(parts);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject) TakePart(JsonValue.ReadCurrent(ref reader, parts), sink);
    }

    /// <summary>Keeps the sources of the answer: the latest say all.</summary>
    public void TakeSources(ReadOnlySpan<byte> grounding, ReadOnlySpan<byte> citations)
    {
        if (JsonValue.IsObject(grounding)) _grounding = grounding.ToArray();
        if (JsonValue.IsObject(citations)) _citations = citations.ToArray();
    }

    /// <summary>The provider says that this answer is finished.</summary>
    public void End(FinishReason reason, IEventSink sink)
    {
        Close(sink);
        Finish = reason;
    }

    public void Close(IEventSink sink)
    {
        if (_partial is not null) EndPartialCall(sink);
        WriteSources(sink);
        CloseOpen(sink);
        WriteHeldSignature(sink);
    }

    private void TakePart(ReadOnlySpan<byte> json, IEventSink sink)
    {
        var part = GeminiPart.Read(json);
        if (JsonValue.IsObject(part.FunctionCall))
        {
            TakeCall(part.FunctionCall, part.Signature, sink);
            return;
        }

        if (_partial is not null) EndPartialCall(sink);
        if (JsonValue.IsObject(part.InlineData) && ReadImage(part.InlineData, out var mediaType, out var data))
        {
            Open(BlockKind.Image, null, mediaType, sink);
            WriteDelta(data, part.Signature, sink);
            CloseOpen(sink);
        }
        else if (!part.Other.IsEmpty || JsonValue.IsObject(part.InlineData))
        {
            Open(BlockKind.Other, null, part.Other.IsEmpty ? "inlineData" : JsonText.ToText(part.Other), sink);
            WriteDelta(Escape(json), default, sink);
            CloseOpen(sink);
        }
        else if (part.Thought)
        {
            TakeThought(part, sink);
        }
        else
        {
            TakeText(part, sink);
        }
    }

    private void TakeThought(in GeminiPart part, IEventSink sink)
    {
        if (part.Text.IsEmpty && part.Signature.IsEmpty) return;
        if (!IsOpen(BlockKind.Reasoning)) Open(BlockKind.Reasoning, null, part.HasText ? null : "redacted", sink);
        WriteDelta(part.Text, part.Signature, sink);
    }

    private void TakeText(in GeminiPart part, IEventSink sink)
    {
        if (!part.Text.IsEmpty)
        {
            if (!IsOpen(BlockKind.Text)) Open(BlockKind.Text, null, null, sink);
            _ascii &= !part.Text.ContainsAnyExceptInRange((byte)0, (byte)0x7f) && part.Text.IndexOf("\\u"u8) < 0;
            WriteDelta(part.Text, default, sink);
        }

        if (part.Signature.IsEmpty) return;
        if (_signature.Length > 0)
        {
            CloseOpen(sink);
            WriteHeldSignature(sink);
        }

        _signature = part.Signature.ToArray();
    }

    private void TakeCall(ReadOnlySpan<byte> call, ReadOnlySpan<byte> signature, IEventSink sink)
    {
        ReadOnlySpan<byte> id = default, name = default, arguments = default, partial = default;
        var willContinue = false;
        var reader = new Utf8JsonReader(call);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("id"u8)) id = JsonValue.Inside(JsonValue.Read(ref reader, call));
            else if (reader.ValueTextEquals("name"u8)) name = JsonValue.Inside(JsonValue.Read(ref reader, call));
            else if (reader.ValueTextEquals("args"u8)) arguments = JsonValue.Read(ref reader, call);
            else if (reader.ValueTextEquals("partialArgs"u8)) partial = JsonValue.Read(ref reader, call);
            else if (reader.ValueTextEquals("willContinue"u8)) willContinue = JsonValue.Read(ref reader, call).SequenceEqual("true"u8);
            else reader.Skip();
        }

        if (!name.IsEmpty)
        {
            if (_partial is not null) EndPartialCall(sink);
            _called = true;
            // A signed call gets an id of ours, which leads back to its signature.
            Open(BlockKind.ToolCall, id.IsEmpty || !signature.IsEmpty ? null : JsonText.ToText(id), JsonText.ToText(name), sink);
            if (willContinue || JsonValue.IsArray(partial)) _partial = new GeminiPartialArguments();
        }
        else if (_partial is null)
        {
            return;
        }

        arguments = JsonValue.IsObject(arguments) ? Escape(arguments) : JsonValue.Inside(arguments);
        if (!arguments.IsEmpty || !signature.IsEmpty) WriteDelta(arguments, signature, sink);
        if (JsonValue.IsArray(partial)) willContinue |= _partial!.Take(partial);
        if (willContinue) return;
        if (_partial is null) CloseOpen(sink);
        else EndPartialCall(sink);
    }

    // Pieces of values at paths are no pieces of JSON text: the arguments go on when they are all there.
    private void EndPartialCall(IEventSink sink)
    {
        _scratch.ResetWrittenCount();
        _partial!.Write(_scratch);
        _partial = null;
        if (_scratch.WrittenCount > 0) WriteDelta(Escape(_scratch.WrittenSpan.ToArray()), default, sink);
        CloseOpen(sink);
    }

    private void WriteSources(IEventSink sink)
    {
        if ((_grounding.Length == 0 && _citations.Length == 0) || !IsOpen(BlockKind.Text)) return;
        foreach (var citation in GeminiSources.Read(_grounding, _citations, _ascii))
        {
            _scratch.ResetWrittenCount();
            citation.Write(_scratch);
            sink.Write(new GenerationEvent { Kind = EventKind.Delta, Block = _open, Citation = _scratch.WrittenSpan });
        }

        _grounding = _citations = [];
    }

    private void WriteHeldSignature(IEventSink sink)
    {
        if (_signature.Length == 0) return;
        var signature = _signature;
        _signature = [];
        Open(BlockKind.Reasoning, null, null, sink);
        WriteDelta(default, signature, sink);
        CloseOpen(sink);
    }

    private static bool ReadImage(ReadOnlySpan<byte> inlineData, out string mediaType, out ReadOnlySpan<byte> data)
    {
        mediaType = "";
        data = default;
        var reader = new Utf8JsonReader(inlineData);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("mimeType"u8)) mediaType = JsonText.ToText(JsonValue.Inside(JsonValue.Read(ref reader, inlineData)));
            else if (reader.ValueTextEquals("data"u8)) data = JsonValue.Inside(JsonValue.Read(ref reader, inlineData));
            else reader.Skip();
        }

        return mediaType.StartsWith("image/", StringComparison.OrdinalIgnoreCase);
    }

    private ReadOnlySpan<byte> Escape(ReadOnlySpan<byte> json)
    {
        _scratch.ResetWrittenCount();
        JsonText.Escape(json, _scratch);
        return _scratch.WrittenSpan;
    }

    private bool IsOpen(BlockKind kind) => _open >= 0 && _openKind == kind;

    private void Open(BlockKind kind, string? id, string? name, IEventSink sink)
    {
        CloseOpen(sink);
        WriteHeldSignature(sink);
        _openKind = kind;
        _open = owner.NextBlock();
        sink.Write(new GenerationEvent { Kind = EventKind.BlockStart, Block = _open, BlockKind = kind, Choice = index, Id = id, Name = name });
    }

    private void WriteDelta(ReadOnlySpan<byte> text, ReadOnlySpan<byte> signature, IEventSink sink) =>
        sink.Write(new GenerationEvent { Kind = EventKind.Delta, Block = _open, Text = text, Signature = signature });

    private void CloseOpen(IEventSink sink)
    {
        if (_open < 0) return;
        sink.Write(new GenerationEvent { Kind = EventKind.BlockStop, Block = _open });
        _open = -1;
    }
}
