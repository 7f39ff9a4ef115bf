using System.Globalization;

namespace Penstock.Protocols.Messages;

/// <summary>The headers of limits as Anthropic has them: https://docs.claude.com/en/api/rate-limits#response-headers</summary>
internal static class MessagesRateLimitHeaders
{
    public static void Write(RateLimits limits, DateTimeOffset now, Action<string, string> header)
    {
        Write("requests", limits.Requests, now, header);
        Write("tokens", limits.Tokens, now, header);
    }

    private static void Write(string what, RateLimit? limit, DateTimeOffset now, Action<string, string> header)
    {
        if (limit is not { } known) return;
        header($"anthropic-ratelimit-{what}-limit", known.Limit.ToString(CultureInfo.InvariantCulture));
        header($"anthropic-ratelimit-{what}-remaining", known.Remaining.ToString(CultureInfo.InvariantCulture));
        header($"anthropic-ratelimit-{what}-reset", (now + known.Reset).UtcDateTime.AddSeconds(1).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
    }
}
