using System.Text.Json;
using System.Text.Json.Serialization;

namespace Penstock.AspNetCore.Endpoints.DurableStreams.Subscriptions;

/// <summary>What a subscription is asked to be.</summary>
internal sealed record SubscriptionConfig
{
    public string? Type { get; init; }

    public string? Pattern { get; init; }

    public IReadOnlyList<string>? Streams { get; init; }

    public WebhookConfig? Webhook { get; init; }

    public string? WakeStream { get; init; }

    public long? LeaseTtlMs { get; init; }

    public string? Description { get; init; }
}

internal sealed record WebhookConfig
{
    public string? Url { get; init; }

    public WebhookSigning? Signing { get; init; }
}

internal sealed record WebhookSigning(string Alg, string Kid, string JwksUrl);

/// <summary>A subscription as clients see it.</summary>
internal sealed record SubscriptionView(
    string Id, string SubscriptionId, string Type, string? Pattern, IReadOnlyList<StreamView> Streams, WebhookConfig? Webhook, string? WakeStream,
    long LeaseTtlMs, DateTimeOffset CreatedAt, string Status, string? Description);

internal sealed record StreamView(string Path, string LinkType, string AckedOffset, string? TailOffset = null, bool? HasPending = null);

/// <summary>What a webhook is told.</summary>
internal sealed record WebhookBody(
    string SubscriptionId, string WakeId, long Generation, IReadOnlyList<StreamView> Streams, string CallbackUrl, string CallbackToken);

internal sealed record WebhookReply(bool Done);

internal sealed record WakeEvent(string Type, string SubscriptionId, string? Stream, long Generation, long Ts);

internal sealed record ClaimRequest(string? Worker);

internal sealed record ClaimReply(string WakeId, long Generation, string Token, IReadOnlyList<StreamView> Streams, long LeaseTtlMs);

internal sealed record AckRequest(string? WakeId, long? Generation, IReadOnlyList<Ack>? Acks, bool Done);

internal sealed record Ack(string? Stream, string? Offset);

internal sealed record AckReply(bool Ok, bool NextWake);

internal sealed record StreamsRequest(IReadOnlyList<string>? Streams);

internal sealed record SubscriptionError(SubscriptionErrorBody Error);

internal sealed record SubscriptionErrorBody(string Code, string? Message = null, string? CurrentHolder = null, long? Generation = null);

internal sealed record JsonWebKeySet(IReadOnlyList<JsonWebKey> Keys);

internal sealed record JsonWebKey(string Kty, string Crv, string Kid, string Use, string Alg, string X);

/// <summary>A subscription as the log keeps it.</summary>
internal sealed record SubscriptionRecord(
    string Id, string? Owner, SubscriptionConfig Config, string Root, DateTimeOffset CreatedAt, long Generation, IReadOnlyList<LinkRecord> Links, int Failures, DateTimeOffset? NextAttemptAt)
{
    /// <summary>Of the wake that is in flight or being worked on, so that no other node wakes meanwhile, and any does when its time is over.</summary>
    public string? WakeId { get; init; }

    public string? Holder { get; init; }

    public DateTimeOffset? LeaseEnd { get; init; }

    /// <summary>There is none any more.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsDeleted { get; init; }
}

internal sealed record LinkRecord(string Path, bool Explicit, bool Glob, long Acked);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SubscriptionConfig))]
[JsonSerializable(typeof(SubscriptionView))]
[JsonSerializable(typeof(WebhookBody))]
[JsonSerializable(typeof(WebhookReply))]
[JsonSerializable(typeof(WakeEvent))]
[JsonSerializable(typeof(ClaimRequest))]
[JsonSerializable(typeof(ClaimReply))]
[JsonSerializable(typeof(AckRequest))]
[JsonSerializable(typeof(AckReply))]
[JsonSerializable(typeof(StreamsRequest))]
[JsonSerializable(typeof(SubscriptionError))]
[JsonSerializable(typeof(JsonWebKeySet))]
[JsonSerializable(typeof(SubscriptionRecord))]
internal sealed partial class SubscriptionJson : JsonSerializerContext;
