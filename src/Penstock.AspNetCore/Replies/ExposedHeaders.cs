using Penstock.AspNetCore.Endpoints.DurableStreams;

namespace Penstock.AspNetCore.Replies;

/// <summary>What a page of an <see href="https://fetch.spec.whatwg.org/#http-access-control-expose-headers">origin that is allowed</see> may read of a reply beside what any may.</summary>
internal static class ExposedHeaders
{
    public static string[] All { get; } =
    [
        StreamHeaders.Generation, StreamHeaders.Heartbeat, StreamHeaders.Offset, StreamHeaders.Cache, StreamHeaders.Dropped, StreamHeaders.Trimmed, StreamHeaders.Estimated,
        "x-vercel-ai-ui-message-stream", "Location", "request-id",
        "Retry-After", "retry-after-ms", "x-should-retry",
        .. from what in (string[])["requests", "tokens"] from part in (string[])["limit", "remaining", "reset"] select $"x-ratelimit-{part}-{what}",
        .. from what in (string[])["requests", "tokens"] from part in (string[])["limit", "remaining", "reset"] select $"anthropic-ratelimit-{what}-{part}",
        .. StreamHeader.Exposed,
    ];
}
