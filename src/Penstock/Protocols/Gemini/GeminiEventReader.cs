using System.Text.Json;

namespace Penstock.Protocols.Gemini;

/// <summary>Reads the chunks of a Gemini provider. A token's chunk is read in one pass and allocates nothing.</summary>
internal sealed class GeminiEventReader : EventReader
{
    private readonly ChoiceList<GeminiCandidate> _candidates;
    private readonly LatestUsage _usage = new(GeminiUsage.Read);
    private int _blocks;
    private bool _blocked;
    private bool _said; // the payload has candidates

    /// <param name="choices">How many answers were asked for.</param>
    public GeminiEventReader(int choices) => _candidates = new(choices, index => new GeminiCandidate(index, this));

    public override Usage? Usage => _usage.Value;

    public override void Read(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> payload, IEventSink sink)
    {
        payload = payload.Trim(" \t\r\n"u8);
        if (payload.IsEmpty || payload.SequenceEqual("[DONE]"u8)) return; // there is no such frame, but some gateways think so
        if (eventName.SequenceEqual("error"u8))
        {
            Error ??= ProviderErrorReader.Read(payload); // not of this protocol, but said by some
            return;
        }

        ReadPayload(payload, sink);
        if (Error is null && (_blocked || _candidates.AllFinished)) SetFinished();
    }

    public override void ReadWhole(ReadOnlySpan<byte> body, IEventSink sink)
    {
        ReadPayload(body.Trim(" \t\r\n"u8), sink);
        if (Error is not null) return;
        if (_candidates.IsEmpty && !_blocked) throw new ProviderFormatException("The answer has no candidates.");
        _candidates.CloseAll(sink);
        SetFinished();
    }

    /// <summary>An error in mid-stream comes as bare JSON, over several lines, without <c>data:</c>.</summary>
    public override void ReadOutside(ReadOnlySpan<byte> text)
    {
        text = text.Trim(" \t\r\n"u8);
        if (text is not [(byte)'{', .., (byte)'}'] and not [(byte)'[', .., (byte)']']) return;
        try
        {
            var reader = new Utf8JsonReader(text);
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth <= 2 && reader.ValueTextEquals("error"u8))
                {
                    TakeError(JsonValue.Read(ref reader, text));
                    return;
                }
            }
        }
        catch (JsonException)
        {
            // Not all of it is there yet, or it is something else.
        }
    }

    /// <summary>Numbers the blocks of all candidates.</summary>
    public int NextBlock() => _blocks++;

    private void SetFinished()
    {
        if (Finished) return;
        Finished = true;
        Reason = _candidates.Reason ?? FinishReason.ContentFilter;
        Reasons = _candidates.Reasons;
    }

    private void ReadPayload(ReadOnlySpan<byte> payload, IEventSink sink)
    {
        _said = false;
        try
        {
            var reader = new Utf8JsonReader(payload);
            reader.Read();
            if (reader.TokenType == JsonTokenType.StartArray)
            {
                // A whole stream without alt=sse.
                while (reader.Read() && reader.TokenType == JsonTokenType.StartObject) ReadChunk(ref reader, payload, sink);
            }
            else if (reader.TokenType == JsonTokenType.StartObject)
            {
                ReadChunk(ref reader, payload, sink);
            }
            else
            {
                throw new ProviderFormatException("The payload is not a JSON object.");
            }

            reader.Read(); // whatever follows is an error
            if (!_said && ProviderErrorReader.IsDetail(payload)) Error ??= ProviderErrorReader.Read(payload);
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

    private void ReadChunk(ref Utf8JsonReader reader, ReadOnlySpan<byte> payload, IEventSink sink)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("candidates"u8))
            {
                _said = true;
                ReadCandidates(ref reader, payload, sink);
            }
            else if (reader.ValueTextEquals("usageMetadata"u8)) TakeUsage(JsonValue.Read(ref reader, payload));
            else if (reader.ValueTextEquals("modelVersion"u8)) TakeModel(JsonValue.Read(ref reader, payload));
            else if (reader.ValueTextEquals("promptFeedback"u8)) _blocked |= IsBlocked(JsonValue.Read(ref reader, payload));
            else if (reader.ValueTextEquals("error"u8)) TakeError(JsonValue.Read(ref reader, payload));
            else reader.Skip();
        }
    }

    private void ReadCandidates(ref Utf8JsonReader reader, ReadOnlySpan<byte> payload, IEventSink sink)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null) return;
        if (reader.TokenType != JsonTokenType.StartArray) throw new ProviderFormatException("'candidates' is not an array.");
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject) ReadCandidate(ref reader, payload, sink);
        if (reader.TokenType != JsonTokenType.EndArray) throw new ProviderFormatException("A candidate is not an object.");
    }

    // Members come in any order, so a candidate is collected first and acted upon at its end.
    private void ReadCandidate(ref Utf8JsonReader reader, ReadOnlySpan<byte> payload, IEventSink sink)
    {
        var index = 0; // left out when it is 0
        ReadOnlySpan<byte> parts = default, finishReason = default, grounding = default, citations = default;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("index"u8))
            {
                reader.Read();
                if (reader.TokenType == JsonTokenType.Number && (!reader.TryGetInt32(out index) || index is < 0 or >= ChoiceList<GeminiCandidate>.MaxChoices))
                    throw new ProviderFormatException("A candidate's index is out of range.");
            }
            else if (reader.ValueTextEquals("content"u8)) parts = ReadParts(ref reader, payload);
            else if (reader.ValueTextEquals("finishReason"u8)) finishReason = JsonValue.Inside(JsonValue.Read(ref reader, payload));
            else if (reader.ValueTextEquals("groundingMetadata"u8)) grounding = JsonValue.Read(ref reader, payload);
            else if (reader.ValueTextEquals("citationMetadata"u8)) citations = JsonValue.Read(ref reader, payload);
            else reader.Skip();
        }

        var candidate = _candidates.At(index);
        if (JsonValue.IsArray(parts)) candidate.TakeParts(parts, sink);
        candidate.TakeSources(grounding, citations);
        if (GeminiFinish.Read(finishReason) is { } reason) candidate.End(reason, sink);
    }

    private static ReadOnlySpan<byte> ReadParts(scoped ref Utf8JsonReader reader, ReadOnlySpan<byte> payload)
    {
        ReadOnlySpan<byte> parts = default;
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return parts;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("parts"u8)) parts = JsonValue.Read(ref reader, payload);
            else reader.Skip();
        }

        return parts;
    }

    private static bool IsBlocked(ReadOnlySpan<byte> feedback)
    {
        if (!JsonValue.IsObject(feedback)) return false;
        var reader = new Utf8JsonReader(feedback);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("blockReason"u8)) return JsonValue.Inside(JsonValue.Read(ref reader, feedback)).Length > 0;
            reader.Skip();
        }

        return false;
    }

    private void TakeUsage(ReadOnlySpan<byte> usage)
    {
        if (usage.IndexOf("TokenCount\""u8) < 0) return; // some chunks tell the kind of traffic only
        _usage.Take(usage);
    }

    private void TakeError(ReadOnlySpan<byte> error)
    {
        if (GeminiPayload.IsError(error)) Error ??= ProviderErrorReader.Read(error);
    }
}
