using System.Globalization;
using Microsoft.AspNetCore.Http;
using Penstock.AspNetCore.Configuration;
using Penstock.AspNetCore.Replies;
using Penstock.Protocols;

namespace Penstock.AspNetCore.Endpoints;

/// <summary>How old an answer to the same request may be: what the request's <c>Penstock-Cache</c> says, or else the configuration.</summary>
internal static class CacheHeader
{
    /// <returns>Null for an answer of its own.</returns>
    /// <exception cref="RequestException">The header is neither <c>off</c> nor a number of seconds.</exception>
    public static TimeSpan? Read(HttpRequest request, PenstockOptions options)
    {
        var header = request.Headers[StreamHeaders.Cache].ToString();
        if (header.Length == 0) return options.Cache.MaxAge > TimeSpan.Zero ? options.Cache.MaxAge : null;
        if (header == "off") return null;
        if (!int.TryParse(header, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) || seconds == 0)
            throw new RequestException($"{StreamHeaders.Cache} is '{header}'; it must be a number of seconds, or off.") { Code = "invalid_cache" };
        return TimeSpan.FromSeconds(seconds);
    }
}
