using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>An item that is one block, while it is written: a thought, a call, an image, or an item of this protocol's own.</summary>
/// <remarks>Thoughts are written as summaries, which is what clients of this protocol show.</remarks>
internal sealed class ResponsesBlockItem : IResponsesPart
{
    private readonly BlockKind _kind;
    private readonly int _index;
    private readonly string _id;
    private readonly string _callId;
    private readonly string? _name;
    private readonly byte[] _place; // what all events of the item begin with
    private readonly ArrayBufferWriter<byte> _text = new();
    private readonly ArrayBufferWriter<byte> _signature = new();
    private readonly ArrayBufferWriter<byte> _whole = new();
    private byte[]? _beforeDelta;

    public ResponsesBlockItem(in GenerationEvent start, ResponsesObject response, int index)
    {
        _kind = start.BlockKind;
        _index = index;
        _name = start.Name;
        _id = Encoding.ASCII.GetString(response.ItemId(_kind switch { BlockKind.Reasoning => "rs_", BlockKind.ToolCall => "fc_", BlockKind.Image => "ig_", _ => "item_" }, index));
        _callId = start.Id ?? "";
        _place = Encoding.ASCII.GetBytes($"\"item_id\":\"{_id}\",\"output_index\":{index}");
    }

    public int Index => _index;

    /// <summary>The item, once it has ended.</summary>
    public ReadOnlySpan<byte> Whole => _whole.WrittenSpan;

    public void Start(ResponsesFrames frames)
    {
        if (_kind == BlockKind.Other) return; // what it is comes as its text
        WriteItemEvent("response.output_item.added"u8, frames, "in_progress"u8);
        if (_kind == BlockKind.Image) WritePlain("response.image_generation_call.in_progress"u8, frames);
    }

    public void Append(in GenerationEvent delta, ResponsesFrames frames)
    {
        _signature.Write(delta.Signature);
        if (delta.Text.IsEmpty) return;
        if (_kind == BlockKind.Reasoning)
        {
            if (_beforeDelta is null) StartSummary(frames);
            frames.Write("response.reasoning_summary_text.delta"u8, _beforeDelta, delta.Text, "\""u8);
        }
        else if (_kind == BlockKind.ToolCall)
        {
            _beforeDelta ??= [.. _place, .. ",\"delta\":\""u8];
            frames.Write("response.function_call_arguments.delta"u8, _beforeDelta, delta.Text, "\""u8);
        }

        _text.Write(delta.Text);
    }

    public void Stop(ResponsesFrames frames)
    {
        switch (_kind)
        {
            case BlockKind.Reasoning when _text.WrittenCount > 0:
                WriteWithText("response.reasoning_summary_text.done"u8, ",\"summary_index\":0,\"text\":\""u8, "\""u8, frames);
                WriteWithText("response.reasoning_summary_part.done"u8, ",\"summary_index\":0,\"part\":{\"type\":\"summary_text\",\"text\":\""u8, "\"}"u8, frames);
                break;
            case BlockKind.ToolCall:
                if (_text.WrittenCount == 0) Append(new GenerationEvent { Kind = EventKind.Delta, Text = "{}"u8 }, frames); // clients parse it
                WriteWithText("response.function_call_arguments.done"u8, [.. ",\"name\":"u8, .. JsonText.ToJson(_name ?? ""), .. ",\"arguments\":\""u8], "\""u8, frames);
                break;
            case BlockKind.Image:
                WritePlain("response.image_generation_call.completed"u8, frames);
                break;
        }

        if (_kind == BlockKind.Other)
        {
            if (!TakeItem()) return;
            WriteRawItem("response.output_item.added"u8, frames);
        }
        else
        {
            WriteItem("completed"u8, _whole);
        }

        WriteRawItem("response.output_item.done"u8, frames);
    }

    /// <summary>The answer was cut before the item ended: it stands in the response as far as it came, and no event says that it is done.</summary>
    public void Cut()
    {
        if (_kind == BlockKind.Other) return;
        if (_kind == BlockKind.Image) _text.ResetWrittenCount(); // half an image is none
        WriteItem(_kind == BlockKind.Image ? "failed"u8 : "incomplete"u8, _whole);
    }

    private void StartSummary(ResponsesFrames frames)
    {
        var output = frames.Begin("response.reasoning_summary_part.added"u8);
        output.Write(_place);
        output.Write(",\"summary_index\":0,\"part\":{\"type\":\"summary_text\",\"text\":\"\"}"u8);
        frames.End();
        _beforeDelta = [.. _place, .. ",\"summary_index\":0,\"delta\":\""u8];
    }

    // The item as its own protocol wrote it, if that is this one.
    private bool TakeItem()
    {
        try
        {
            using var document = JsonDocument.Parse(JsonText.ToText(_text.WrittenSpan), new JsonDocumentOptions { MaxDepth = JsonValue.MaxDepth });
            if (document.RootElement.ValueKind != JsonValueKind.Object || JsonParts.String(document.RootElement, "type"u8) != _name) return false;
            ResponsesJson.OneLine(JsonParts.Raw(document.RootElement), _whole);
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // the latter of a name with half a surrogate pair
        {
            return false;
        }
    }

    private void WriteItemEvent(ReadOnlySpan<byte> type, ResponsesFrames frames, ReadOnlySpan<byte> status)
    {
        var output = frames.Begin(type);
        WriteIndex(output);
        WriteItem(status, output);
        frames.End();
    }

    private void WriteRawItem(ReadOnlySpan<byte> type, ResponsesFrames frames)
    {
        var output = frames.Begin(type);
        WriteIndex(output);
        output.Write(_whole.WrittenSpan);
        frames.End();
    }

    private void WriteIndex(IBufferWriter<byte> output)
    {
        output.Write("\"output_index\":"u8);
        JsonText.WriteNumber(_index, output);
        output.Write(",\"item\":"u8);
    }

    private void WritePlain(ReadOnlySpan<byte> type, ResponsesFrames frames)
    {
        frames.Begin(type).Write(_place);
        frames.End();
    }

    private void WriteWithText(ReadOnlySpan<byte> type, ReadOnlySpan<byte> before, ReadOnlySpan<byte> after, ResponsesFrames frames)
    {
        var output = frames.Begin(type);
        output.Write(_place);
        output.Write(before);
        output.Write(_text.WrittenSpan);
        output.Write(after);
        frames.End();
    }

    private void WriteItem(ReadOnlySpan<byte> status, IBufferWriter<byte> output)
    {
        output.Write("{\"id\":\""u8);
        JsonText.WriteUtf8(_id, output);
        switch (_kind)
        {
            case BlockKind.Reasoning:
                output.Write("\",\"type\":\"reasoning\",\"summary\":["u8);
                if (_text.WrittenCount > 0) Write("{\"type\":\"summary_text\",\"text\":\""u8, _text, "\"}"u8, output);
                output.Write("]"u8);
                if (_signature.WrittenCount > 0) Write(",\"encrypted_content\":\""u8, _signature, "\""u8, output);
                output.Write("}"u8);
                break;
            case BlockKind.ToolCall:
                output.Write("\",\"type\":\"function_call\",\"status\":\""u8);
                output.Write(status);
                output.Write("\",\"call_id\":"u8);
                JsonText.WriteString(_callId, output);
                output.Write(",\"name\":"u8);
                JsonText.WriteString(_name ?? "", output);
                Write(",\"arguments\":\""u8, _text, "\""u8, output);
                // Gemini's, in the place that its own compatible endpoint has for it.
                if (_signature.WrittenCount > 0) Write(",\"extra_content\":{\"google\":{\"thought_signature\":\""u8, _signature, "\"}}"u8, output);
                output.Write("}"u8);
                break;
            default:
                output.Write("\",\"type\":\"image_generation_call\",\"status\":\""u8);
                output.Write(status);
                if (_text.WrittenCount == 0) output.Write("\",\"result\":null}"u8);
                else Write("\",\"result\":\""u8, _text, "\"}"u8, output);
                break;
        }
    }

    private static void Write(ReadOnlySpan<byte> before, ArrayBufferWriter<byte> text, ReadOnlySpan<byte> after, IBufferWriter<byte> output)
    {
        output.Write(before);
        output.Write(text.WrittenSpan);
        output.Write(after);
    }
}
