using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Penstock.Protocols;
using Penstock.Protocols.History;

namespace Penstock.Generations;

/// <summary>What a generation's stream is labelled with: enough to write its ending after a crash.</summary>
/// <param name="Protocol">The client protocol whose frames the records hold.</param>
/// <param name="Stream">Whether the client asked for a stream.</param>
/// <param name="IncludeUsage">Whether it asked for usage in it.</param>
/// <param name="Choices">How many answers it asked for.</param>
/// <param name="RequestedModel">The model as the client named it.</param>
/// <param name="Model">The provider and model that answer.</param>
internal sealed record GenerationMetadata(
    string Protocol, bool Stream, bool IncludeUsage, int Choices, string? RequestedModel, string Model)
{
    /// <summary>To whom it belongs; null for nobody in particular.</summary>
    public string? Owner { get; init; }

    /// <summary>How long it goes on with nobody watching; null for to its end.</summary>
    public double? GraceSeconds { get; init; }

    /// <summary>The stream was created for a job on a queue that spans nodes: its first epoch is the gateway's, and a worker begins with the next.</summary>
    public bool Queued { get; init; }

    /// <summary>With <see cref="Queued"/>: the request is kept for as long as the answer, not only until a worker has run it.</summary>
    public bool KeepsRequest { get; init; }

    /// <summary>About how many tokens the request has, for who ends the generation without reading it; null where nobody needs to know.</summary>
    public long? InputEstimate { get; init; }

    /// <summary>Within which limits it runs; null for none.</summary>
    public LimitTerms? Limits { get; init; }

    /// <summary>The epoch of the first writer that asked a provider.</summary>
    [JsonIgnore]
    public long FirstEpoch => Queued ? 2 : 1;

    /// <summary>What the last subscriber's leaving means.</summary>
    [JsonIgnore]
    public DisconnectPolicy OnDisconnect => GraceSeconds is { } seconds ? new(TimeSpan.FromSeconds(seconds)) : DisconnectPolicy.Detach;

    /// <summary>The conversation that it is a turn of; null for none.</summary>
    public string? Conversation { get; init; }

    /// <summary>How much of the conversation its model may be sent; null for all of it.</summary>
    public HistoryBudget? Budget { get; init; }

    /// <summary>The generation whose conversation it sums up; null for an answer to a client.</summary>
    public string? SummaryFor { get; init; }

    /// <summary>What of the request the provider was not told (<c>Penstock-Dropped</c>); null for nothing.</summary>
    public IReadOnlyList<string>? Dropped { get; init; }

    /// <summary>The trace that it belongs to, as the W3C header has it; null for none.</summary>
    public string? TraceParent { get; init; }

    /// <summary>What of the request the answer repeats (<see cref="GenerationRequest.Echo"/>); empty for nothing.</summary>
    [JsonConverter(typeof(RawJsonConverter))]
    public ReadOnlyMemory<byte> Echo { get; init; }

    // By hand: every request waits for this one, and a serializer takes ten times as long over what is not in the processor's caches.
    public byte[] ToBytes()
    {
        var output = new ArrayBufferWriter<byte>(512);
        Write("{\"protocol\":"u8, Protocol, output);
        output.Write(Stream ? ",\"stream\":true"u8 : ",\"stream\":false"u8);
        output.Write(IncludeUsage ? ",\"includeUsage\":true"u8 : ",\"includeUsage\":false"u8);
        JsonText.WriteNumber(",\"choices\":"u8, Choices, output);
        Write(",\"requestedModel\":"u8, RequestedModel, output);
        Write(",\"model\":"u8, Model, output);
        Write(",\"owner\":"u8, Owner, output);
        Write(",\"conversation\":"u8, Conversation, output);
        Write(",\"summaryFor\":"u8, SummaryFor, output);
        Write(",\"traceParent\":"u8, TraceParent, output);
        JsonText.WriteNumber(",\"inputEstimate\":"u8, InputEstimate, output);
        JsonText.WriteNumber(",\"graceSeconds\":"u8, GraceSeconds, output);
        if (Queued) output.Write(",\"queued\":true"u8);
        if (KeepsRequest) output.Write(",\"keepsRequest\":true"u8);
        if (Limits is not null) Write(Limits, output);
        if (Budget is not null || Dropped is not null) WriteSeldom(output);
        if (!Echo.IsEmpty)
        {
            output.Write(",\"echo\":"u8);
            output.Write(Echo.Span);
        }

        output.Write("}"u8);
        return output.WrittenSpan.ToArray();
    }

    public static GenerationMetadata Read(ReadOnlyMemory<byte> bytes) =>
        JsonSerializer.Deserialize(bytes.Span, GenerationJson.Default.GenerationMetadata)
        ?? throw new JsonException("A generation's metadata is null.");

    /// <summary>The same, or null where the bytes are no metadata of ours.</summary>
    public static GenerationMetadata? TryRead(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            return Read(bytes);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>As much of the request as a writer needs: what the request weighs is not kept while its answer streams.</summary>
    public GenerationRequest ToRequest() => new()
    {
        Protocol = Protocol,
        Body = default,
        Messages = [],
        Model = RequestedModel,
        Stream = Stream,
        IncludeUsage = IncludeUsage,
        Choices = Choices,
        Echo = Echo,
    };

    private static void Write(LimitTerms limits, ArrayBufferWriter<byte> output)
    {
        output.Write(",\"limits\":{\"payer\":"u8);
        output.Write(limits.Payer.Json);
        Write(",\"model\":"u8, limits.Model, output);
        JsonText.WriteNumber(",\"inputTokens\":"u8, limits.InputTokens, output);
        JsonText.WriteNumber(",\"outputTokens\":"u8, limits.OutputTokens, output);
        JsonText.WriteNumber(",\"tokenMoney\":"u8, limits.TokenMoney, output);
        output.Write("}"u8);
    }

    private void WriteSeldom(ArrayBufferWriter<byte> output)
    {
        output.Write(","u8);
        using var json = new Utf8JsonWriter(output, new JsonWriterOptions { SkipValidation = true }); // goes on within the object
        if (Budget is not null)
        {
            json.WritePropertyName("budget"u8);
            JsonSerializer.Serialize(json, Budget, GenerationJson.Default.HistoryBudget);
        }

        if (Dropped is not null)
        {
            json.WriteStartArray("dropped"u8);
            foreach (var name in Dropped) json.WriteStringValue(name);
            json.WriteEndArray();
        }
    }

    // Half a surrogate pair, which no reader of labels takes, becomes U+FFFD.
    private static void Write(ReadOnlySpan<byte> prefix, string? text, ArrayBufferWriter<byte> output)
    {
        if (text is null) return;
        output.Write(prefix);
        JsonText.WriteString(text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF') ? Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)) : text, output);
    }
}

/// <summary>Keeps JSON byte for byte: a client's text may hold half a surrogate pair, which a writer refuses.</summary>
internal sealed class RawJsonConverter : JsonConverter<ReadOnlyMemory<byte>>
{
    public override ReadOnlyMemory<byte> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        return JsonMarshal.GetRawUtf8Value(document.RootElement).ToArray();
    }

    public override void Write(Utf8JsonWriter writer, ReadOnlyMemory<byte> value, JsonSerializerOptions options) =>
        throw new NotSupportedException(); // GenerationMetadata writes itself
}

[JsonSourceGenerationOptions(MaxDepth = JsonValue.MaxDepth + 1, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(GenerationMetadata))]
[JsonSerializable(typeof(UsageLine))]
internal sealed partial class GenerationJson : JsonSerializerContext;
