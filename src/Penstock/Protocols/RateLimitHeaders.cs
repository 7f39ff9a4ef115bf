using System.Globalization;

namespace Penstock.Protocols;

/// <summary>The headers of limits as OpenAI has them, and as most have taken them over: https://platform.openai.com/docs/guides/rate-limits</summary>
internal static class RateLimitHeaders
{
    public static void Write(RateLimits limits, Action<string, string> header)
    {
        Write("requests", limits.Requests, header);
        Write("tokens", limits.Tokens, header);
    }

    private static void Write(string what, RateLimit? limit, Action<string, string> header)
    {
        if (limit is not { } known) return;
        header($"x-ratelimit-limit-{what}", known.Limit.ToString(CultureInfo.InvariantCulture));
        header($"x-ratelimit-remaining-{what}", known.Remaining.ToString(CultureInfo.InvariantCulture));
        header($"x-ratelimit-reset-{what}", Duration(known.Reset));
    }

    // 1m2s, 1.5s, 20ms
    private static string Duration(TimeSpan time)
    {
        if (time < TimeSpan.FromSeconds(1)) return string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(time.TotalMilliseconds)}ms");
        var seconds = Math.Ceiling(time.TotalMilliseconds) / 1000;
        return seconds < 60
            ? string.Create(CultureInfo.InvariantCulture, $"{seconds}s")
            : string.Create(CultureInfo.InvariantCulture, $"{(long)(seconds / 60)}m{Math.Round(seconds % 60, 3)}s");
    }
}
