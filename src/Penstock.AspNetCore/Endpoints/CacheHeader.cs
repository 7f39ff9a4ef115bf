using System.Globalization;
using Microsoft.AspNetCore.Http;
using Penstock.AspNetCore.Auth;
using Penstock.AspNetCore.Configuration;
using Penstock.AspNetCore.Replies;
using Penstock.Protocols;

namespace Penstock.AspNetCore.Endpoints;

/// <summary>How old an answer to the same request may be: what the request's <c>Penstock-Cache</c> says, or else its key, or else the configuration.</summary>
internal static class CacheHeader
{
    private const string Pace = "; pace=first";

    /// <summary>Whether a hit is to be shown as it was given first, and not at once.</summary>
    public static bool IsPaced(HttpRequest request) => request.Headers[StreamHeaders.Cache].ToString().EndsWith(Pace, StringComparison.Ordinal);

    /// <returns>Null for an answer of its own.</returns>
    /// <exception cref="RequestException">The header is neither <c>off</c> nor a number of seconds, with a pace or without.</exception>
    public static TimeSpan? Read(HttpContext context, PenstockOptions options)
    {
        var header = context.Request.Headers[StreamHeaders.Cache].ToString();
        if (header.Length == 0) return (Caller.Of(context).CacheFor ?? options.Cache.MaxAge) is { Ticks: > 0 } age ? age : null;
        if (header == "off") return null;
        if (IsPaced(context.Request)) header = header[..^Pace.Length];
        if (!int.TryParse(header, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) || seconds == 0)
            throw new RequestException($"{StreamHeaders.Cache} is '{header}'; it must be a number of seconds, with {Pace} behind it or without, or off.") { Code = "invalid_cache" };
        return TimeSpan.FromSeconds(seconds);
    }
}
