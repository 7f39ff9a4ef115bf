using System.Text.Json;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>Reads the chunks of a Chat Completions provider, in every shape they have in the wild. A token's chunk is read in one pass and allocates nothing.</summary>
/// <param name="choices">How many answers were asked for.</param>
internal sealed class ChatCompletionsEventReader(int choices) : EventReader
{
    private readonly ChoiceList<ChatChoice> _choices = NewChoices(choices);
    private readonly LatestUsage _usage = new(ChatCompletionsUsage.Read);
    private bool _failed;

    public override Usage? Usage => _usage.Value;

    public override void Read(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> payload, IEventSink sink)
    {
        payload = payload.Trim(" \t\r\n"u8);
        if (payload.IsEmpty) return;
        if (payload.SequenceEqual("[DONE]"u8))
        {
            Finish(sink);
            return;
        }

        if (eventName.SequenceEqual("error"u8))
        {
            Error ??= ProviderErrorReader.Read(payload); // whatever it looks like
            return;
        }

        ReadPayload(payload, whole: false, sink);
        if (Error is null && _choices.AllFinished) SetFinished();
    }

    public override void ReadWhole(ReadOnlySpan<byte> body, IEventSink sink)
    {
        ReadPayload(body, whole: true, sink);
        if (Error is not null) return;
        if (_choices.IsEmpty) throw new ProviderFormatException("The answer has no choices.");
        Finish(sink);
    }

    private void Finish(IEventSink sink)
    {
        _choices.CloseAll(sink);
        Done = true;
        if (Error is null) SetFinished();
    }

    private void SetFinished()
    {
        if (Finished) return;
        Finished = true;
        Reason = _choices.Reason ?? FinishReason.Stop;
        Reasons = _choices.Reasons;
    }

    private void ReadPayload(ReadOnlySpan<byte> payload, bool whole, IEventSink sink)
    {
        try
        {
            var hasChoices = false;
            ReadOnlySpan<byte> citations = default; // Perplexity repeats them in every chunk, before the choices
            var reader = new Utf8JsonReader(payload);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new ProviderFormatException("The payload is not a JSON object.");
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("choices"u8))
                {
                    hasChoices = true;
                    ReadChoices(ref reader, payload, whole, citations, sink);
                }
                else if (reader.ValueTextEquals("citations"u8)) citations = JsonValue.Read(ref reader, payload);
                else if (reader.ValueTextEquals("usage"u8)) TakeUsage(JsonValue.Read(ref reader, payload));
                else if (reader.ValueTextEquals("model"u8)) TakeModel(JsonValue.Read(ref reader, payload));
                else if (reader.ValueTextEquals("error"u8)) TakeError(JsonValue.Read(ref reader, payload));
                else if (reader.ValueTextEquals("object"u8))
                {
                    // vLLM's errors have no "error" member: {"object":"error","message":…,"code":400}
                    if (JsonValue.Read(ref reader, payload).SequenceEqual("\"error\""u8)) TakeError(payload);
                }
                else
                {
                    reader.Skip();
                }
            }

            reader.Read(); // whatever follows the object is an error
            if (!hasChoices && ProviderErrorReader.IsDetail(payload)) Error ??= ProviderErrorReader.Read(payload);
            if (_failed) Error ??= ProviderErrorReader.Read(default); // unless it said more of it
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

    private void TakeUsage(ReadOnlySpan<byte> usage)
    {
        if (JsonValue.IsObject(usage) && usage.Length > 2) _usage.Take(usage);
    }

    private void TakeError(ReadOnlySpan<byte> error)
    {
        if (ChatCompletionsPayload.IsError(error)) Error ??= ProviderErrorReader.Read(error);
    }

    private void ReadChoices(ref Utf8JsonReader reader, ReadOnlySpan<byte> payload, bool whole, ReadOnlySpan<byte> citations, IEventSink sink)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null) return;
        if (reader.TokenType != JsonTokenType.StartArray) throw new ProviderFormatException("'choices' is not an array.");
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject) ReadChoice(ref reader, payload, whole, citations, sink);
        if (reader.TokenType != JsonTokenType.EndArray) throw new ProviderFormatException("A choice is not an object.");
    }

    // Members come in any order (Azure has delta before index), so a choice is collected first and acted upon at its end.
    private void ReadChoice(ref Utf8JsonReader reader, ReadOnlySpan<byte> payload, bool whole, ReadOnlySpan<byte> citations, IEventSink sink)
    {
        var index = 0;
        ChatDelta delta = default;
        ReadOnlySpan<byte> finishReason = default;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("index"u8))
            {
                reader.Read();
                if (reader.TokenType == JsonTokenType.Number && (!reader.TryGetInt32(out index) || index is < 0 or >= ChoiceList<ChatChoice>.MaxChoices))
                    throw new ProviderFormatException("A choice's index is out of range.");
            }
            else if (reader.ValueTextEquals(whole ? "message"u8 : "delta"u8))
            {
                reader.Read();
                if (reader.TokenType == JsonTokenType.StartObject) ReadDelta(ref reader, payload, ref delta);
                else reader.Skip();
            }
            else if (reader.ValueTextEquals("finish_reason"u8))
            {
                finishReason = JsonValue.Inside(JsonValue.Read(ref reader, payload));
            }
            else if (reader.ValueTextEquals("logprobs"u8))
            {
                delta.LogProbs = JsonValue.Read(ref reader, payload);
            }
            else if (reader.ValueTextEquals("usage"u8))
            {
                TakeUsage(JsonValue.Read(ref reader, payload)); // Moonshot
            }
            else if (reader.ValueTextEquals("error"u8))
            {
                TakeError(JsonValue.Read(ref reader, payload)); // OpenRouter: https://openrouter.ai/docs/api-reference/overview
            }
            else
            {
                reader.Skip();
            }
        }

        var choice = _choices.At(index);
        choice.Take(delta, sink);
        if (finishReason.IsEmpty) return;
        if (finishReason.SequenceEqual("error"u8))
        {
            _failed = true; // OpenRouter and Mistral: nothing that looks like an end
            return;
        }

        if (JsonValue.IsArray(citations)) ChatCitations.TakeUrls(citations, choice, sink);
        choice.End(finishReason, sink);
    }

    private static void ReadDelta(ref Utf8JsonReader reader, ReadOnlySpan<byte> payload, ref ChatDelta delta)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("content"u8)) delta.Content = JsonValue.Read(ref reader, payload);
            else if (reader.ValueTextEquals("reasoning_content"u8)) delta.ReasoningContent = JsonValue.Read(ref reader, payload);
            else if (reader.ValueTextEquals("reasoning"u8)) delta.Reasoning = JsonValue.Read(ref reader, payload);
            else if (reader.ValueTextEquals("reasoning_details"u8)) delta.ReasoningDetails = JsonValue.Read(ref reader, payload);
            else if (reader.ValueTextEquals("refusal"u8)) delta.Refusal = JsonValue.Read(ref reader, payload);
            else if (reader.ValueTextEquals("tool_calls"u8)) delta.ToolCalls = JsonValue.Read(ref reader, payload);
            else if (reader.ValueTextEquals("annotations"u8)) delta.Annotations = JsonValue.Read(ref reader, payload);
            else if (reader.ValueTextEquals("images"u8)) delta.Images = JsonValue.Read(ref reader, payload);
            else if (reader.ValueTextEquals("function_call"u8)) delta.FunctionCall = JsonValue.Read(ref reader, payload);
            else reader.Skip();
        }
    }

    private static ChoiceList<ChatChoice> NewChoices(int wanted)
    {
        var blocks = new BlockCounter();
        return new(wanted, index => new ChatChoice(index, blocks));
    }
}
