using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>
/// What a stream's events have made of the response so far, whoever wrote them: what an answer that ends early ends with, and
/// what <c>GET /v1/responses/{id}</c> shows of one that still runs.
/// </summary>
internal sealed class ResponsesFold
{
    private readonly SortedDictionary<int, ResponsesFoldItem> _items = [];
    private byte[]? _response;

    /// <summary>The number of the last event; -1 before the first.</summary>
    public long LastSequence { get; private set; } = -1;

    /// <summary>The last events were shown to nobody: their numbers are free.</summary>
    public void Forget(int events) => LastSequence -= events;

    /// <summary>Whether the response was announced.</summary>
    public bool Begun => _response is not null;

    /// <summary>Whether it has ended: then its last event holds it whole.</summary>
    public bool Ended { get; private set; }

    /// <summary>The response object of the last event that had one, as it stood there.</summary>
    public ReadOnlyMemory<byte> Response => _response;

    /// <summary>Takes an event. Allocates nothing for a delta, but for the text it keeps.</summary>
    public void Take(in ResponsesPayload payload)
    {
        LastSequence = payload.Sequence >= 0 ? payload.Sequence : LastSequence + 1; // not all number theirs
        switch (payload.Type)
        {
            case ResponsesEventType.OutputTextDelta:
                Part(payload, "output_text").Text.Write(JsonValue.Inside(payload.Delta));
                break;
            case ResponsesEventType.RefusalDelta:
                Part(payload, "refusal").Text.Write(JsonValue.Inside(payload.Delta));
                break;
            case ResponsesEventType.SummaryTextDelta:
                Part(payload, "summary_text").Text.Write(JsonValue.Inside(payload.Delta));
                break;
            case ResponsesEventType.ReasoningTextDelta:
                Part(payload, "reasoning_text").Text.Write(JsonValue.Inside(payload.Delta));
                break;
            case ResponsesEventType.ArgumentsDelta:
                Part(payload, "arguments").Text.Write(JsonValue.Inside(payload.Delta));
                break;
            case ResponsesEventType.CustomInputDelta:
                Part(payload, "input").Text.Write(JsonValue.Inside(payload.Delta));
                break;
            case ResponsesEventType.AnnotationAdded:
                Part(payload, "output_text").Annotations.Add(payload.Annotation.ToArray());
                break;
            case ResponsesEventType.ItemAdded or ResponsesEventType.ItemDone when JsonValue.IsObject(payload.Item):
                _items[payload.OutputIndex] = new ResponsesFoldItem(payload.Item.ToArray(), payload.Type == ResponsesEventType.ItemDone);
                break;
            default:
                if (!JsonValue.IsObject(payload.Response)) break;
                if (payload.Type == ResponsesEventType.Created) _items.Clear(); // one stream may hold several responses
                _response = payload.Response.ToArray();
                Ended = payload.IsEnding;
                break;
        }
    }

    /// <summary>The number of a frame's event; -1 where it has none.</summary>
    public static long SequenceOf(ReadOnlySpan<byte> frame)
    {
        foreach (var line in frame.Split((byte)'\n'))
        {
            var data = frame[line];
            if (data.StartsWith("data: "u8)) return ResponsesPayload.Read(default, data["data: ".Length..]).Sequence;
        }

        return -1;
    }

    /// <summary>Takes the events of stored frames.</summary>
    public void TakeFrames(ReadOnlySpan<byte> frames)
    {
        foreach (var line in frames.Split((byte)'\n'))
        {
            var data = frames[line];
            if (data.StartsWith("data: "u8)) Take(ResponsesPayload.Read(default, data["data: ".Length..]));
        }
    }

    /// <summary>Writes the response as it stands, with another status.</summary>
    /// <param name="status">The status.</param>
    /// <param name="itemStatus">The status of items that are not whole.</param>
    /// <param name="error">Why it failed, or null.</param>
    /// <param name="incomplete">Why it is incomplete, or null for what the provider said.</param>
    /// <param name="usage">The usage; null leaves what the response says.</param>
    /// <param name="id">The response's id.</param>
    /// <param name="output">Takes the JSON, on one line.</param>
    public void Write(ReadOnlySpan<byte> status, ReadOnlySpan<byte> itemStatus, GenerationError? error, string? incomplete, Usage? usage, string id, IBufferWriter<byte> output)
    {
        using var document = JsonDocument.Parse(_response, new JsonDocumentOptions { MaxDepth = JsonValue.MaxDepth });
        output.Write("{\"id\":"u8);
        JsonText.WriteString(id, output);
        output.Write(",\"status\":\""u8);
        output.Write(status);
        output.Write("\",\"error\":"u8);
        ResponsesObject.WriteError(error, output);
        if (incomplete is not null)
        {
            output.Write(",\"incomplete_details\":"u8);
            ResponsesObject.WriteIncomplete(incomplete, output);
        }

        output.Write(",\"output\":["u8);
        var first = true;
        foreach (var item in _items.Values)
        {
            if (!first) output.Write(","u8);
            first = false;
            item.Write(itemStatus, output);
        }

        output.Write("]"u8);
        if (usage is not null)
        {
            output.Write(",\"usage\":"u8);
            ResponsesUsage.Write(usage, output);
        }

        foreach (var member in document.RootElement.EnumerateObject())
        {
            var name = RequestJson.Name(member);
            if (name is "id" or "status" or "error" or "output" || (usage is not null && name == "usage") || (incomplete is not null && name == "incomplete_details")) continue;
            ResponsesJson.Member(member, output);
        }

        output.Write("}"u8);
    }

    private ResponsesFoldPart Part(in ResponsesPayload payload, string type)
    {
        if (!_items.TryGetValue(payload.OutputIndex, out var item)) _items[payload.OutputIndex] = item = new ResponsesFoldItem([], whole: false);
        return item.Part(type, payload.PartIndex);
    }
}
