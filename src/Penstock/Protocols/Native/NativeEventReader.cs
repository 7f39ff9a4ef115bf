using System.Text.Json;
using Penstock.Protocols.History;
using static Penstock.Protocols.JsonMembers;

namespace Penstock.Protocols.Native;

/// <summary>Reads back what <see cref="NativeEventWriter"/> wrote.</summary>
public static class NativeEventReader
{
    /// <summary>Reads one event. Its spans are slices of <paramref name="json"/>. Members it does not know are passed over.</summary>
    /// <exception cref="JsonException">It is not a JSON object.</exception>
    /// <exception cref="FormatException">It is an object, but no event of ours.</exception>
    public static GenerationEvent Read(ReadOnlySpan<byte> json)
    {
        var kind = NativeNames.EventKindOf(NativeEventWriter.TypeOf(json)) ?? throw new FormatException("Not an event: its type is missing or unknown.");
        int block = 0, choice = 0, attempt = 0, step = 0, call = 0;
        bool isCut = false, isError = false;
        long? resetAt = null;
        ReadOnlySpan<byte> text = default, signature = default, logProbs = default, citation = default, blockKind = default, reason = default, source = default, state = default;
        string? id = null, name = null, model = null, server = null;
        var messages = 0;
        long tokens = 0, window = 0;
        HistorySummary? summary = null;
        string? summaryError = null;
        IReadOnlyList<FinishReason>? reasons = null;
        GenerationError? error = null;
        long? inputTokens = null, outputTokens = null, totalTokens = null, cachedInputTokens = null, cacheWriteTokens = null, reasoningTokens = null;

        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = JsonValue.MaxDepth + 2 });
        reader.Read();
        while (IsNext(ref reader))
        {
            if (Is(ref reader, "block"u8)) block = reader.GetInt32();
            else if (Is(ref reader, "cut"u8)) isCut = reader.GetBoolean();
            else if (Is(ref reader, "attempt"u8)) attempt = reader.GetInt32();
            else if (Is(ref reader, "step"u8)) step = reader.GetInt32();
            else if (Is(ref reader, "call"u8)) call = reader.GetInt32();
            else if (Is(ref reader, "isError"u8)) isError = reader.GetBoolean();
            else if (Is(ref reader, "state"u8)) state = reader.ValueSpan;
            else if (Is(ref reader, "server"u8)) server = JsonText.ToText(reader.ValueSpan);
            else if (Is(ref reader, "resetAt"u8)) resetAt = reader.GetInt64();
            else if (Is(ref reader, "text"u8)) text = reader.ValueSpan;
            else if (Is(ref reader, "signature"u8)) signature = reader.ValueSpan;
            else if (Is(ref reader, "logprobs"u8)) logProbs = JsonValue.ReadCurrent(ref reader, json);
            else if (Is(ref reader, "citation"u8)) citation = JsonValue.ReadCurrent(ref reader, json);
            else if (Is(ref reader, "kind"u8)) blockKind = reader.ValueSpan;
            else if (Is(ref reader, "choice"u8)) choice = reader.GetInt32();
            else if (Is(ref reader, "id"u8) || Is(ref reader, "generation"u8)) id = JsonText.ToText(reader.ValueSpan);
            else if (Is(ref reader, "name"u8)) name = JsonText.ToText(reader.ValueSpan);
            else if (Is(ref reader, "model"u8)) model = JsonText.ToText(reader.ValueSpan);
            else if (Is(ref reader, "reason"u8)) reason = reader.ValueSpan;
            else if (Is(ref reader, "reasons"u8)) reasons = ReadReasons(ref reader);
            else if (Is(ref reader, "error"u8)) error = ReadError(ref reader);
            else if (Is(ref reader, "inputTokens"u8)) inputTokens = reader.GetInt64();
            else if (Is(ref reader, "outputTokens"u8)) outputTokens = reader.GetInt64();
            else if (Is(ref reader, "totalTokens"u8)) totalTokens = reader.GetInt64();
            else if (Is(ref reader, "cachedInputTokens"u8)) cachedInputTokens = reader.GetInt64();
            else if (Is(ref reader, "cacheWriteTokens"u8)) cacheWriteTokens = reader.GetInt64();
            else if (Is(ref reader, "reasoningTokens"u8)) reasoningTokens = reader.GetInt64();
            else if (Is(ref reader, "messages"u8)) messages = reader.GetInt32();
            else if (Is(ref reader, "tokens"u8)) tokens = reader.GetInt64();
            else if (Is(ref reader, "window"u8)) window = reader.GetInt64();
            else if (Is(ref reader, "summary"u8)) summary = ReadSummary(ref reader);
            else if (Is(ref reader, "summaryError"u8)) summaryError = JsonText.ToText(reader.ValueSpan);
            else if (Is(ref reader, "source"u8)) source = reader.ValueSpan;
            else reader.Skip();
        }

        return new GenerationEvent
        {
            Kind = kind,
            Block = block,
            Choice = choice,
            IsCut = isCut,
            BlockKind = kind == EventKind.BlockStart ? NativeNames.BlockKindOf(blockKind) : default,
            Id = id,
            Name = name,
            Text = text,
            Signature = signature,
            LogProbs = logProbs,
            Citation = citation,
            Model = model,
            Server = server,
            Call = call,
            IsError = isError,
            Step = step,
            Trimmed = kind == EventKind.Trimmed ? new HistoryTrim(messages, tokens, window, NativeNames.UsageSourceOf(source)) { Summary = summary, SummaryError = summaryError } : null,
            Approval = kind == EventKind.Approval ? NativeNames.ApprovalStateOf(state) : default,
            Usage = kind is not (EventKind.Usage or EventKind.Step) ? null : new Usage
            {
                InputTokens = inputTokens,
                OutputTokens = outputTokens,
                TotalTokens = totalTokens,
                CachedInputTokens = cachedInputTokens,
                CacheWriteTokens = cacheWriteTokens,
                ReasoningTokens = reasoningTokens,
                Source = NativeNames.UsageSourceOf(source),
            },
            Reason = kind switch
            {
                EventKind.Finished => NativeNames.FinishReasonOf(reason),
                EventKind.Stopped => StopReasons.ToFinish(JsonText.ToText(reason)),
                _ => default,
            },
            Reasons = reasons,
            Attempt = attempt,
            ResetAt = resetAt,
            StopReason = kind is EventKind.Stopped or EventKind.Attempt or EventKind.Reset || (kind == EventKind.Approval && !reason.IsEmpty) ? JsonText.ToText(reason) : null,
            Error = error,
        };
    }

    private static List<FinishReason> ReadReasons(ref Utf8JsonReader reader)
    {
        var reasons = new List<FinishReason>();
        while (reader.Read() && reader.TokenType == JsonTokenType.String) reasons.Add(NativeNames.FinishReasonOf(reader.ValueSpan));
        return reasons;
    }

    private static HistorySummary ReadSummary(ref Utf8JsonReader reader)
    {
        var (messages, tokens, id) = (0, 0L, "");
        while (IsNext(ref reader))
        {
            if (Is(ref reader, "messages"u8)) messages = reader.GetInt32();
            else if (Is(ref reader, "tokens"u8)) tokens = reader.GetInt64();
            else if (Is(ref reader, "generation"u8)) id = JsonText.ToText(reader.ValueSpan);
            else reader.Skip();
        }

        return new HistorySummary(messages, tokens, id);
    }

    private static GenerationError ReadError(ref Utf8JsonReader reader)
    {
        string code = "", message = "";
        var status = 502;
        TimeSpan? retryAfter = null;
        while (IsNext(ref reader))
        {
            if (Is(ref reader, "code"u8)) code = JsonText.ToText(reader.ValueSpan);
            else if (Is(ref reader, "message"u8)) message = JsonText.ToText(reader.ValueSpan);
            else if (Is(ref reader, "status"u8)) status = reader.GetInt32();
            else if (Is(ref reader, "retryAfterMs"u8)) retryAfter = TimeSpan.FromMilliseconds(reader.GetInt64());
            else reader.Skip();
        }

        return new GenerationError(code, message, status, retryAfter);
    }
}
