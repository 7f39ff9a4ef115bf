using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>The kinds of Responses events that are understood here; all others pass by.</summary>
internal enum ResponsesEventType : byte
{
    Other,
    OutputTextDelta,
    OutputTextDone,
    RefusalDelta,
    RefusalDone,
    SummaryTextDelta,
    SummaryTextDone,
    ReasoningTextDelta,
    ReasoningTextDone,
    ArgumentsDelta,
    ArgumentsDone,
    CustomInputDelta,
    CustomInputDone,
    AnnotationAdded,
    ItemAdded,
    ItemDone,
    Created,
    InProgress,
    Completed,
    Incomplete,
    Failed,
    Error,
}

/// <summary>One Responses event, taken apart in one pass that allocates nothing: raw JSON of its members, each empty where it is absent.</summary>
internal ref struct ResponsesPayload
{
    /// <summary>The payload without the white space around it.</summary>
    public ReadOnlySpan<byte> Json;

    /// <summary>The event's name; empty where it has none.</summary>
    public ReadOnlySpan<byte> Name;

    public ResponsesEventType Type;

    /// <summary>Its <c>sequence_number</c>; -1 where it has none.</summary>
    public long Sequence;

    public int OutputIndex;

    /// <summary>Its <c>content_index</c> or <c>summary_index</c>.</summary>
    public int PartIndex;

    public ReadOnlySpan<byte> Response;

    public ReadOnlySpan<byte> Item;

    public ReadOnlySpan<byte> Delta;

    /// <summary>The whole text, arguments, input or refusal that a <c>.done</c> event has.</summary>
    public ReadOnlySpan<byte> Whole;

    public ReadOnlySpan<byte> LogProbs;

    public ReadOnlySpan<byte> Annotation;

    public ReadOnlySpan<byte> Error;

    /// <summary>Whether the response has ended with this event.</summary>
    public readonly bool IsEnding => Type is ResponsesEventType.Completed or ResponsesEventType.Incomplete or ResponsesEventType.Failed;

    /// <summary>Reads a payload; one that is not an object has no name.</summary>
    /// <exception cref="JsonException">It is not JSON.</exception>
    public static ResponsesPayload Read(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> json)
    {
        json = json.Trim(" \t\r\n"u8);
        var payload = new ResponsesPayload { Json = json, Sequence = -1 };
        if (!JsonValue.IsObject(json)) return payload;
        payload.Name = eventName;
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 256 });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName) payload.ReadMember(ref reader, json);
        reader.Read(); // whatever follows the object is an error
        payload.Type = TypeOf(payload.Name);
        return payload;
    }

    private void ReadMember(scoped ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        if (reader.ValueTextEquals("type"u8))
        {
            var type = JsonValue.Inside(JsonValue.Read(ref reader, json));
            if (!type.IsEmpty) Name = type;
        }
        else if (reader.ValueTextEquals("delta"u8)) Delta = JsonValue.Read(ref reader, json);
        else if (reader.ValueTextEquals("sequence_number"u8)) Sequence = Number(ref reader, -1);
        else if (reader.ValueTextEquals("output_index"u8)) OutputIndex = (int)Number(ref reader, 0);
        else if (reader.ValueTextEquals("content_index"u8) || reader.ValueTextEquals("summary_index"u8)) PartIndex = (int)Number(ref reader, 0);
        else if (reader.ValueTextEquals("logprobs"u8)) LogProbs = JsonValue.Read(ref reader, json);
        else if (reader.ValueTextEquals("response"u8)) Response = JsonValue.Read(ref reader, json);
        else if (reader.ValueTextEquals("item"u8)) Item = JsonValue.Read(ref reader, json);
        else if (reader.ValueTextEquals("annotation"u8)) Annotation = JsonValue.Read(ref reader, json);
        else if (reader.ValueTextEquals("error"u8)) Error = JsonValue.Read(ref reader, json);
        else if (reader.ValueTextEquals("text"u8) || reader.ValueTextEquals("arguments"u8) || reader.ValueTextEquals("input"u8) || reader.ValueTextEquals("refusal"u8))
            Whole = JsonValue.Read(ref reader, json);
        else reader.Skip();
    }

    private static long Number(scoped ref Utf8JsonReader reader, long otherwise)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var number) && number is >= 0 and <= int.MaxValue) return number;
        reader.Skip();
        return otherwise;
    }

    // The frequent ones first.
    private static ResponsesEventType TypeOf(ReadOnlySpan<byte> name)
    {
        if (name.SequenceEqual("error"u8)) return ResponsesEventType.Error;
        if (!name.StartsWith("response."u8)) return ResponsesEventType.Other;
        name = name["response.".Length..];
        if (name.SequenceEqual("output_text.delta"u8)) return ResponsesEventType.OutputTextDelta;
        if (name.SequenceEqual("function_call_arguments.delta"u8)) return ResponsesEventType.ArgumentsDelta;
        if (name.SequenceEqual("reasoning_summary_text.delta"u8)) return ResponsesEventType.SummaryTextDelta;
        if (name.SequenceEqual("reasoning_text.delta"u8)) return ResponsesEventType.ReasoningTextDelta;
        if (name.SequenceEqual("refusal.delta"u8)) return ResponsesEventType.RefusalDelta;
        if (name.SequenceEqual("custom_tool_call_input.delta"u8)) return ResponsesEventType.CustomInputDelta;
        if (name.SequenceEqual("output_item.added"u8)) return ResponsesEventType.ItemAdded;
        if (name.SequenceEqual("output_item.done"u8)) return ResponsesEventType.ItemDone;
        if (name.SequenceEqual("output_text.done"u8)) return ResponsesEventType.OutputTextDone;
        if (name.SequenceEqual("output_text.annotation.added"u8)) return ResponsesEventType.AnnotationAdded;
        if (name.SequenceEqual("function_call_arguments.done"u8)) return ResponsesEventType.ArgumentsDone;
        if (name.SequenceEqual("reasoning_summary_text.done"u8)) return ResponsesEventType.SummaryTextDone;
        if (name.SequenceEqual("reasoning_text.done"u8)) return ResponsesEventType.ReasoningTextDone;
        if (name.SequenceEqual("refusal.done"u8)) return ResponsesEventType.RefusalDone;
        if (name.SequenceEqual("custom_tool_call_input.done"u8)) return ResponsesEventType.CustomInputDone;
        if (name.SequenceEqual("created"u8)) return ResponsesEventType.Created;
        if (name.SequenceEqual("in_progress"u8) || name.SequenceEqual("queued"u8)) return ResponsesEventType.InProgress;
        if (name.SequenceEqual("completed"u8)) return ResponsesEventType.Completed;
        if (name.SequenceEqual("incomplete"u8)) return ResponsesEventType.Incomplete;
        if (name.SequenceEqual("failed"u8) || name.SequenceEqual("error"u8)) return ResponsesEventType.Failed;
        return ResponsesEventType.Other;
    }
}
