using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>An item of a <see cref="ResponsesFold"/>: as it was announced, with what was said since; or whole.</summary>
internal sealed class ResponsesFoldItem(byte[] json, bool whole)
{
    private readonly List<ResponsesFoldPart> _parts = [];

    public ResponsesFoldPart Part(string type, int index)
    {
        foreach (var part in _parts)
        {
            if (part.Index == index && part.Type == type) return part;
        }

        var added = new ResponsesFoldPart(type, index);
        _parts.Add(added);
        return added;
    }

    /// <summary>Writes the item on one line.</summary>
    /// <param name="status">The status that one which is not whole has.</param>
    /// <param name="output">Takes the JSON.</param>
    public void Write(ReadOnlySpan<byte> status, IBufferWriter<byte> output)
    {
        if (whole)
        {
            ResponsesJson.OneLine(json, output);
            return;
        }

        output.Write("{\"status\":\""u8);
        output.Write(status);
        output.Write("\""u8);
        WriteParts("content", "output_text", "refusal", "reasoning_text", output);
        WriteParts("summary", "summary_text", "", "", output);
        foreach (var part in _parts)
        {
            if (part.Type is not ("arguments" or "input")) continue;
            output.Write(part.Type == "input" ? ",\"input\":\""u8 : ",\"arguments\":\""u8);
            output.Write(part.Text.WrittenSpan);
            output.Write("\""u8);
        }

        if (json.Length == 0)
        {
            output.Write(",\"type\":\"message\",\"role\":\"assistant\"}"u8); // it was never announced
            return;
        }

        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = JsonValue.MaxDepth });
        foreach (var member in document.RootElement.EnumerateObject())
        {
            var name = RequestJson.Name(member);
            if (name != "status" && !IsSaid(name)) ResponsesJson.Member(member, output);
        }

        output.Write("}"u8);
    }

    private bool IsSaid(string name) => name switch
    {
        "content" => _parts.Exists(p => p.Type is "output_text" or "refusal" or "reasoning_text"),
        "summary" => _parts.Exists(p => p.Type == "summary_text"),
        _ => _parts.Exists(p => p.Type == name),
    };

    private void WriteParts(string list, string type, string orType, string orElse, IBufferWriter<byte> output)
    {
        if (!IsSaid(list)) return;
        output.Write(list == "content" ? ",\"content\":["u8 : ",\"summary\":["u8);
        var first = true;
        foreach (var part in _parts.OrderBy(p => p.Index))
        {
            if (part.Type != type && part.Type != orType && part.Type != orElse) continue;
            if (!first) output.Write(","u8);
            first = false;
            part.Write(output);
        }

        output.Write("]"u8);
    }
}

/// <summary>A part of an item, or its arguments: what was said of it so far.</summary>
internal sealed class ResponsesFoldPart(string type, int index)
{
    public string Type => type;

    public int Index => index;

    /// <summary>JSON-escaped.</summary>
    public ArrayBufferWriter<byte> Text { get; } = new();

    public List<byte[]> Annotations { get; } = [];

    public void Write(IBufferWriter<byte> output)
    {
        output.Write("{\"type\":\""u8);
        JsonText.WriteUtf8(type, output);
        output.Write(type == "refusal" ? "\",\"refusal\":\""u8 : "\",\"text\":\""u8);
        output.Write(Text.WrittenSpan);
        output.Write("\""u8);
        if (type == "output_text")
        {
            output.Write(",\"annotations\":["u8);
            for (var i = 0; i < Annotations.Count; i++)
            {
                if (i > 0) output.Write(","u8);
                ResponsesJson.OneLine(Annotations[i], output);
            }

            output.Write("],\"logprobs\":[]"u8);
        }

        output.Write("}"u8);
    }
}
