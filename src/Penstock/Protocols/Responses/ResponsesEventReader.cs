using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>
/// Reads the events of a Responses provider. A delta is read in one pass and allocates nothing; what a provider leaves out
/// of its stream is taken from the events that repeat it: <c>.done</c>, <c>output_item.done</c>, the response itself.
/// </summary>
internal sealed class ResponsesEventReader : EventReader
{
    private readonly ResponsesItems _items = new();

    public override void Read(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> payload, IEventSink sink)
    {
        if (eventName.SequenceEqual("error"u8))
        {
            Error ??= ProviderErrorReader.Read(payload); // whatever it looks like
            return;
        }

        try
        {
            var parsed = ResponsesPayload.Read(eventName, payload);
            if (parsed.Name.IsEmpty && ProviderErrorReader.IsDetail(parsed.Json)) Error ??= ProviderErrorReader.Read(parsed.Json);
            else Take(parsed, sink);
        }
        catch (JsonException e)
        {
            throw new ProviderFormatException($"The payload is not valid JSON at byte {e.BytePositionInLine}.", e);
        }
        catch (InvalidOperationException e)
        {
            throw new ProviderFormatException("A name in the payload holds half of a surrogate pair.", e);
        }
    }

    public override void ReadWhole(ReadOnlySpan<byte> body, IEventSink sink)
    {
        try
        {
            var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = JsonValue.MaxDepth });
            using var document = JsonDocument.ParseValue(ref reader);
            var root = document.RootElement;
            if (root.ValueKind == JsonValueKind.Object && !root.TryGetProperty("output"u8, out _) && root.TryGetProperty("error"u8, out var error))
                Error = ProviderErrorReader.Read(JsonParts.Raw(error));
            else if (ProviderErrorReader.IsDetail(body.Trim(" \t\r\n"u8)) && !root.TryGetProperty("output"u8, out _))
                Error = ProviderErrorReader.Read(body);
            else if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("output"u8, out _))
                throw new ProviderFormatException("The answer has no output.");
            else
                Finish(root, sink);
        }
        catch (JsonException e)
        {
            throw new ProviderFormatException($"The answer is not valid JSON at byte {e.BytePositionInLine}.", e);
        }
        catch (InvalidOperationException e)
        {
            throw new ProviderFormatException("A name in the answer holds half of a surrogate pair.", e);
        }

        Done = true;
    }

    private void Take(in ResponsesPayload payload, IEventSink sink)
    {
        switch (payload.Type)
        {
            case ResponsesEventType.OutputTextDelta:
                _items.Part(payload, "message"u8, ResponsesPartKind.Text).Append(JsonValue.Inside(payload.Delta), LogProbs(payload), sink);
                break;
            case ResponsesEventType.OutputTextDone:
                _items.Part(payload, "message"u8, ResponsesPartKind.Text).AppendMissing(payload.Whole, sink);
                break;
            case ResponsesEventType.RefusalDelta:
                _items.Part(payload, "message"u8, ResponsesPartKind.Refusal).Append(JsonValue.Inside(payload.Delta), default, sink);
                break;
            case ResponsesEventType.RefusalDone:
                _items.Part(payload, "message"u8, ResponsesPartKind.Refusal).AppendMissing(payload.Whole, sink);
                break;
            case ResponsesEventType.SummaryTextDelta:
                _items.Part(payload, "reasoning"u8, ResponsesPartKind.Summary).Append(JsonValue.Inside(payload.Delta), default, sink);
                break;
            case ResponsesEventType.SummaryTextDone:
                _items.Part(payload, "reasoning"u8, ResponsesPartKind.Summary).AppendMissing(payload.Whole, sink);
                break;
            case ResponsesEventType.ReasoningTextDelta:
                _items.Part(payload, "reasoning"u8, ResponsesPartKind.Reasoning).Append(JsonValue.Inside(payload.Delta), default, sink);
                break;
            case ResponsesEventType.ReasoningTextDone:
                _items.Part(payload, "reasoning"u8, ResponsesPartKind.Reasoning).AppendMissing(payload.Whole, sink);
                break;
            case ResponsesEventType.ArgumentsDelta:
                _items.Find(payload.OutputIndex)?.Call?.Append(JsonValue.Inside(payload.Delta), default, sink);
                break;
            case ResponsesEventType.ArgumentsDone:
                _items.Find(payload.OutputIndex)?.Call?.AppendMissing(payload.Whole, sink);
                break;
            case ResponsesEventType.CustomInputDelta:
                _items.Find(payload.OutputIndex)?.Call?.AppendInput(JsonValue.Inside(payload.Delta), sink);
                break;
            case ResponsesEventType.AnnotationAdded:
                TakeAnnotation(payload, sink);
                break;
            case ResponsesEventType.ItemAdded:
                TakeItem(payload, done: false, sink);
                break;
            case ResponsesEventType.ItemDone:
                TakeItem(payload, done: true, sink);
                break;
            default:
                TakeResponse(payload, sink);
                break;
        }
    }

    private void TakeResponse(in ResponsesPayload payload, IEventSink sink)
    {
        if (IsError(payload))
        {
            Error ??= ProviderErrorReader.Read(payload.Json); // flat, or nested under "error"
            return;
        }

        if (payload.Json.SequenceEqual("[DONE]"u8)) Done = true; // not of this protocol, but sent by some
        if (!JsonValue.IsObject(payload.Response)) return;
        using var document = Parse(payload.Response);
        switch (payload.Type)
        {
            case ResponsesEventType.Created:
                _items.Begin(); // one stream may hold several responses
                TakeModel(document.RootElement);
                break;
            case ResponsesEventType.Failed:
                Error ??= ProviderErrorReader.Read(document.RootElement.TryGetProperty("error"u8, out var error) ? JsonParts.Raw(error) : default);
                break;
            case ResponsesEventType.Completed or ResponsesEventType.Incomplete:
                Finish(document.RootElement, sink);
                break;
        }
    }

    // A failure without a response, or an event of no name of this protocol's, tells of it in the provider's words.
    private static bool IsError(in ResponsesPayload payload) => payload.Type switch
    {
        ResponsesEventType.Error => true,
        ResponsesEventType.Failed => !JsonValue.IsObject(payload.Response),
        ResponsesEventType.Other => JsonValue.IsObject(payload.Error) && !payload.Name.StartsWith("response."u8),
        _ => false,
    };

    // The connection's own end is waited for, within the caller's bound: some put usage or a second response after it.
    private void Finish(JsonElement response, IEventSink sink)
    {
        if (JsonParts.Object(response, "error"u8) is { } error)
        {
            Error ??= ProviderErrorReader.Read(JsonParts.Raw(error));
            return;
        }

        TakeModel(response);
        if (response.TryGetProperty("usage"u8, out var usage)) Usage = ResponsesUsage.Read(usage) ?? Usage;
        if (response.TryGetProperty("output"u8, out var output) && output.ValueKind == JsonValueKind.Array)
        {
            var index = 0;
            foreach (var item in output.EnumerateArray()) _items.TakeFinal(item, index++, sink);
        }

        _items.Close(sink);
        var why = JsonParts.Object(response, "incomplete_details"u8) is { } details ? JsonParts.String(details, "reason"u8) : null;
        Reason = why switch
        {
            "max_output_tokens" => FinishReason.Length,
            "content_filter" => FinishReason.ContentFilter,
            null when JsonParts.String(response, "status"u8) is "incomplete" or "cancelled" => FinishReason.Other,
            null => _items.HasCalls ? FinishReason.ToolCalls : FinishReason.Stop,
            _ => FinishReason.Other,
        };
        Finished = true;
    }

    private void TakeItem(in ResponsesPayload payload, bool done, IEventSink sink)
    {
        if (!JsonValue.IsObject(payload.Item)) return;
        using var document = Parse(payload.Item);
        var item = _items.Take(document.RootElement, payload.OutputIndex, sink);
        if (done) item.Finish(document.RootElement, sink);
    }

    private void TakeAnnotation(in ResponsesPayload payload, IEventSink sink)
    {
        if (!JsonValue.IsObject(payload.Annotation)) return;
        using var document = Parse(payload.Annotation);
        _items.Part(payload, "message"u8, ResponsesPartKind.Text).Cite(document.RootElement, sink);
    }

    private void TakeModel(JsonElement response) =>
        Model ??= JsonParts.String(response, "model"u8) is { Length: > 0 } model ? model : null;

    private static JsonDocument Parse(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 256 });
        return JsonDocument.ParseValue(ref reader);
    }

    private static ReadOnlySpan<byte> LogProbs(in ResponsesPayload payload) => payload.LogProbs.Length > 2 && JsonValue.IsArray(payload.LogProbs) ? payload.LogProbs : default;
}
