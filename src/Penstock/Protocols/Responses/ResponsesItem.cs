using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>One item of an answer while it is read: a message, a thought, a call, or the work of a provider's own tool.</summary>
internal sealed class ResponsesItem(ResponsesItems items, int outputIndex, string type, string? id)
{
    private readonly List<ResponsesPart> _parts = [];
    private bool _done;

    public int OutputIndex => outputIndex;

    public string? Id => id;

    /// <summary>The call, if that is what the item is.</summary>
    public ResponsesPart? Call { get; private set; }

    public ResponsesPart Part(ResponsesPartKind kind, int index)
    {
        foreach (var part in _parts)
        {
            if (part.Kind == kind && part.Index == index) return part;
        }

        var added = new ResponsesPart(items, this, kind, index);
        _parts.Add(added);
        return added;
    }

    /// <summary>The item is announced.</summary>
    public void Start(JsonElement json, IEventSink sink)
    {
        switch (type)
        {
            case "message" or "reasoning" or "image_generation_call":
                break; // their parts come; an image comes whole
            case "function_call" or "custom_tool_call":
                Call = Part(type == "function_call" ? ResponsesPartKind.Arguments : ResponsesPartKind.Input, 0);
                Call.Open(JsonParts.String(json, "call_id"u8) ?? id, JsonParts.String(json, "name"u8) ?? "", sink);
                break;
            default:
                Part(ResponsesPartKind.Other, 0).Open(id, type, sink);
                break;
        }
    }

    /// <summary>The item is there whole: what was not streamed of it is taken from here, and its blocks are closed.</summary>
    public void Finish(JsonElement json, IEventSink sink)
    {
        if (_done) return;
        _done = true;
        switch (type)
        {
            case "message":
                var index = 0;
                foreach (var part in JsonParts.Objects(json, "content")) FinishContent(part, index++, sink);
                break;
            case "reasoning":
                FinishReasoning(json, sink);
                break;
            case "function_call":
                if (json.TryGetProperty("arguments"u8, out var arguments)) Call?.AppendMissing(JsonParts.Raw(arguments), sink);
                break;
            case "custom_tool_call":
                Call?.EndInput(JsonParts.Inside(json, "input"u8), sink);
                break;
            case "image_generation_call":
                if (JsonParts.Inside(json, "result"u8) is not { IsEmpty: false } result) break;
                var image = Part(ResponsesPartKind.Image, 0);
                image.Open(id, $"image/{JsonParts.String(json, "output_format"u8) ?? "png"}", sink);
                image.Append(result, default, sink);
                break;
            default:
                var escaped = new ArrayBufferWriter<byte>();
                JsonText.Escape(JsonParts.Raw(json), escaped);
                Part(ResponsesPartKind.Other, 0).Append(escaped.WrittenSpan, default, sink);
                break;
        }

        Close(sink);
    }

    public void Close(IEventSink sink)
    {
        foreach (var part in _parts) part.Close(sink);
    }

    private void FinishContent(JsonElement part, int index, IEventSink sink)
    {
        if (part.TryGetProperty("refusal"u8, out var refusal)) Part(ResponsesPartKind.Refusal, index).AppendMissing(JsonParts.Raw(refusal), sink);
        if (!part.TryGetProperty("text"u8, out var text)) return;
        var read = Part(ResponsesPartKind.Text, index);
        read.AppendMissing(JsonParts.Raw(text), sink);
        foreach (var annotation in JsonParts.Objects(part, "annotations").Skip(read.Citations)) read.Cite(annotation, sink);
    }

    private void FinishReasoning(JsonElement json, IEventSink sink)
    {
        var index = 0;
        foreach (var part in JsonParts.Objects(json, "summary"))
        {
            if (part.TryGetProperty("text"u8, out var text)) Part(ResponsesPartKind.Summary, index++).AppendMissing(JsonParts.Raw(text), sink);
        }

        index = 0;
        foreach (var part in JsonParts.Objects(json, "content"))
        {
            if (part.TryGetProperty("text"u8, out var text)) Part(ResponsesPartKind.Reasoning, index++).AppendMissing(JsonParts.Raw(text), sink);
        }

        if (JsonParts.Inside(json, "encrypted_content"u8) is not { IsEmpty: false } encrypted) return;
        var last = _parts.FindLast(p => p.IsOpen);
        if (last is null)
        {
            last = Part(ResponsesPartKind.Summary, 0);
            last.Open(id: null, "redacted", sink);
        }

        last.Sign(encrypted, sink);
    }
}
