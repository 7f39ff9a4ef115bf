using System.Text.Json;
using System.Text.Json.Serialization;
using Penstock.Streams;
using static Penstock.Protocols.JsonMembers;

namespace Penstock.AspNetCore.Endpoints.DurableStreams;

/// <summary>What a stream was created with, as the log keeps it for us.</summary>
/// <param name="ContentType">As its creator wrote it.</param>
/// <param name="TimeToLive">In seconds, or null.</param>
/// <param name="ExpiresAt">As its creator wrote it, or null.</param>
/// <param name="ForkedFrom">The path of the stream that it is a fork of, or null.</param>
/// <param name="ForkOffset">Where the fork was asked to begin; null for where its source ended.</param>
/// <param name="ForkSubOffset">How far behind that.</param>
internal sealed record StreamMetadata(
    string ContentType, long? TimeToLive = null, string? ExpiresAt = null, string? ForkedFrom = null, long? ForkOffset = null, long ForkSubOffset = 0)
{
    private static readonly StreamMetadata _generation = new("application/json");

    /// <summary>To whom it belongs; null for nobody in particular.</summary>
    public string? Owner { get; init; }

    [JsonIgnore]
    public bool IsJson => MediaTypeOf(ContentType).Equals("application/json", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether server-sent events can carry it as it is.</summary>
    [JsonIgnore]
    public bool IsText => IsJson || ContentType.StartsWith("text/", StringComparison.OrdinalIgnoreCase);

    public static StreamMetadata Of(StreamInfo info) =>
        !info.Shared ? _generation
        : info.Terms is { } terms ? (StreamMetadata)(terms.MetadataRead ??= Read(info.Metadata.Span))
        : Read(info.Metadata.Span);

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, StreamMetadataJson.Default.StreamMetadata);

    /// <summary>Whether a body of a type belongs into the stream; parameters do not count.</summary>
    public bool Takes(string contentType) => contentType == ContentType || MediaTypeOf(contentType).Equals(MediaTypeOf(ContentType), StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether asking for this stream and asking for the other one is the same.</summary>
    public bool Matches(StreamMetadata asked) =>
        Takes(asked.ContentType)
        && TimeToLive == asked.TimeToLive
        && (ExpiresAt is null) == (asked.ExpiresAt is null)
        && (ExpiresAt is null || StreamLifetime.ParseTime(ExpiresAt) == StreamLifetime.ParseTime(asked.ExpiresAt!))
        && ForkedFrom == asked.ForkedFrom
        && (asked.ForkOffset is null || ForkOffset == asked.ForkOffset)
        && ForkSubOffset == asked.ForkSubOffset;

    // By hand, since each append and each read needs it, and the serializer's code is large and cold between two of them.
    private static StreamMetadata Read(ReadOnlySpan<byte> json)
    {
        var (contentType, expiresAt, forkedFrom, owner) = ("", default(string), default(string), default(string));
        var (timeToLive, forkOffset, forkSubOffset) = (default(long?), default(long?), 0L);
        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (IsNext(ref reader))
        {
            if (Is(ref reader, "contentType"u8)) contentType = reader.GetString()!;
            else if (Is(ref reader, "timeToLive"u8)) timeToLive = reader.GetInt64();
            else if (Is(ref reader, "expiresAt"u8)) expiresAt = reader.GetString();
            else if (Is(ref reader, "forkedFrom"u8)) forkedFrom = reader.GetString();
            else if (Is(ref reader, "forkOffset"u8)) forkOffset = reader.GetInt64();
            else if (Is(ref reader, "forkSubOffset"u8)) forkSubOffset = reader.GetInt64();
            else if (Is(ref reader, "owner"u8)) owner = reader.GetString();
            else reader.Skip();
        }

        return new StreamMetadata(contentType, timeToLive, expiresAt, forkedFrom, forkOffset, forkSubOffset) { Owner = owner };
    }

    private static ReadOnlySpan<char> MediaTypeOf(string contentType)
    {
        var end = contentType.IndexOf(';', StringComparison.Ordinal);
        return contentType.AsSpan(0, end < 0 ? contentType.Length : end).Trim();
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(StreamMetadata))]
internal sealed partial class StreamMetadataJson : JsonSerializerContext;
