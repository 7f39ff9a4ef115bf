using System.Text.Json;
using Penstock.Protocols;

namespace Penstock.Client.Events;

/// <summary>Reads the JSON of one event. Members that it does not know are passed over.</summary>
internal static class EventReader
{
    /// <param name="json">The event.</param>
    /// <param name="generation">Whose.</param>
    /// <param name="offset">Its place.</param>
    /// <param name="isReplay">Whether it was stored before the connection began.</param>
    /// <param name="at">The time of the one before it, which is its own too where it names none.</param>
    /// <exception cref="JsonException">It is no JSON.</exception>
    /// <exception cref="FormatException">It is no event.</exception>
    public static PenstockEvent Read(ReadOnlySpan<byte> json, string generation, long offset, bool isReplay, DateTimeOffset? at)
    {
        var members = new Members();
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 256 });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new FormatException("An event is an object.");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName) ReadMember(ref reader, ref members);
        var read = ToEvent(members, generation, offset);
        return read with { IsReplay = isReplay, Json = json.ToArray(), At = members.At ?? at };
    }

    private static PenstockEvent ToEvent(in Members m, string generation, long offset) => m.Type switch
    {
        "delta" => new BlockDelta(m.Block, m.Text ?? "", m.Signature, m.Citation) { Generation = generation, Offset = offset },
        "started" => new GenerationStarted(m.Model ?? "") { Generation = generation, Offset = offset },
        "block_start" => new BlockStarted(m.Block, KindOf(m.Kind), m.Choice, m.Id, m.Name) { Generation = generation, Offset = offset },
        "block_stop" => new BlockStopped(m.Block, m.IsCut) { Generation = generation, Offset = offset },
        "usage" => new UsageReported(m.Usage with { Source = m.Source ?? "provider" }) { Generation = generation, Offset = offset },
        "attempt" or "reset" => new AttemptStarted(m.Attempt, m.Reason ?? "", m.Model, m.Type == "reset") { Generation = generation, Offset = offset },
        "finished" => new GenerationFinished(m.Reason ?? "other") { Generation = generation, Offset = offset },
        "stopped" => new GenerationStopped(m.Reason ?? "requested") { Generation = generation, Offset = offset },
        "failed" or "interrupted" => new GenerationFailed(m.Error ?? new GenerationError(m.Type, "The generation failed.", 502), m.Type == "interrupted") { Generation = generation, Offset = offset },
        { Length: > 0 } type => new UnknownEvent(type) { Generation = generation, Offset = offset },
        _ => throw new FormatException("An event has a type."),
    };

    private static void ReadMember(ref Utf8JsonReader reader, ref Members m)
    {
        if (Is(ref reader, "type"u8)) m.Type = Text(ref reader);
        else if (Is(ref reader, "block"u8)) m.Block = reader.GetInt32();
        else if (Is(ref reader, "text"u8)) m.Text = Text(ref reader);
        else if (Is(ref reader, "signature"u8)) m.Signature = Text(ref reader);
        else if (Is(ref reader, "citation"u8)) m.Citation = ReadCitation(ref reader);
        else if (Is(ref reader, "at"u8)) m.At = DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64());
        else if (Is(ref reader, "kind"u8)) m.Kind = Text(ref reader);
        else if (Is(ref reader, "choice"u8)) m.Choice = reader.GetInt32();
        else if (Is(ref reader, "id"u8)) m.Id = Text(ref reader);
        else if (Is(ref reader, "name"u8)) m.Name = Text(ref reader);
        else if (Is(ref reader, "model"u8)) m.Model = Text(ref reader);
        else if (Is(ref reader, "cut"u8)) m.IsCut = reader.GetBoolean();
        else if (Is(ref reader, "reason"u8)) m.Reason = Text(ref reader);
        else if (Is(ref reader, "attempt"u8)) m.Attempt = reader.GetInt32();
        else if (Is(ref reader, "error"u8)) m.Error = ReadError(ref reader);
        else if (Is(ref reader, "inputTokens"u8)) m.Usage = m.Usage with { InputTokens = reader.GetInt64() };
        else if (Is(ref reader, "outputTokens"u8)) m.Usage = m.Usage with { OutputTokens = reader.GetInt64() };
        else if (Is(ref reader, "totalTokens"u8)) m.Usage = m.Usage with { TotalTokens = reader.GetInt64() };
        else if (Is(ref reader, "cachedInputTokens"u8)) m.Usage = m.Usage with { CachedInputTokens = reader.GetInt64() };
        else if (Is(ref reader, "cacheWriteTokens"u8)) m.Usage = m.Usage with { CacheWriteTokens = reader.GetInt64() };
        else if (Is(ref reader, "reasoningTokens"u8)) m.Usage = m.Usage with { ReasoningTokens = reader.GetInt64() };
        else if (Is(ref reader, "source"u8)) m.Source = Text(ref reader);
        else reader.Skip();
    }

    private static Citation ReadCitation(ref Utf8JsonReader reader)
    {
        string? url = null, title = null, quote = null;
        int? start = null, end = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (Is(ref reader, "url"u8)) url = Text(ref reader);
            else if (Is(ref reader, "title"u8)) title = Text(ref reader);
            else if (Is(ref reader, "quote"u8)) quote = Text(ref reader);
            else if (Is(ref reader, "start"u8)) start = reader.GetInt32();
            else if (Is(ref reader, "end"u8)) end = reader.GetInt32();
            else reader.Skip();
        }

        return new Citation(url, title, quote, start, end);
    }

    private static GenerationError ReadError(ref Utf8JsonReader reader)
    {
        string? code = null, message = null;
        var status = 502;
        long? retryAfter = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (Is(ref reader, "code"u8)) code = Text(ref reader);
            else if (Is(ref reader, "message"u8)) message = Text(ref reader);
            else if (Is(ref reader, "status"u8)) status = reader.GetInt32();
            else if (Is(ref reader, "retryAfterMs"u8)) retryAfter = reader.GetInt64();
            else reader.Skip();
        }

        return new GenerationError(code ?? "", message ?? "", status, retryAfter);
    }

    /// <summary>Whether the reader stands on the member of that name; then it moves on to the value.</summary>
    private static bool Is(ref Utf8JsonReader reader, ReadOnlySpan<byte> name) =>
        reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals(name) && reader.Read();

    // The platform's own reader refuses half a surrogate pair.
    private static string? Text(ref Utf8JsonReader reader) => reader.TokenType == JsonTokenType.String ? JsonText.ToText(reader.ValueSpan) : null;

    private static BlockKind KindOf(string? name) => name switch
    {
        "text" => BlockKind.Text,
        "reasoning" => BlockKind.Reasoning,
        "tool_call" => BlockKind.ToolCall,
        "refusal" => BlockKind.Refusal,
        "image" => BlockKind.Image,
        "server_tool_call" => BlockKind.ServerToolCall,
        "tool_result" => BlockKind.ToolResult,
        _ => BlockKind.Other,
    };

    private struct Members()
    {
        public string? Type;
        public int Block;
        public int Choice;
        public int Attempt;
        public bool IsCut;
        public string? Text;
        public string? Signature;
        public string? Kind;
        public string? Id;
        public string? Name;
        public string? Model;
        public string? Reason;
        public string? Source;
        public Citation? Citation;
        public GenerationError? Error;
        public DateTimeOffset? At;
        public TokenUsage Usage = _none;
    }

    private static readonly TokenUsage _none = new();
}
