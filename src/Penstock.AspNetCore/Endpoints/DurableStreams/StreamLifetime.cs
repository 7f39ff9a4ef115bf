using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Penstock.Protocols;

namespace Penstock.AspNetCore.Endpoints.DurableStreams;

/// <summary>How long a stream is asked to live: <c>Stream-TTL</c> or <c>Stream-Expires-At</c>.</summary>
/// <param name="TimeToLive">In seconds without use.</param>
/// <param name="ExpiresAt">As the client wrote it.</param>
internal readonly partial record struct StreamLifetime(long? TimeToLive, string? ExpiresAt)
{
    public TimeSpan? Span => TimeToLive is { } seconds ? TimeSpan.FromSeconds(Math.Min(seconds, (long)TimeSpan.MaxValue.TotalSeconds - 1)) : null;

    public DateTimeOffset? End => ExpiresAt is null ? null : ParseTime(ExpiresAt);

    /// <exception cref="RequestException">Both are there, or one cannot be read.</exception>
    public static StreamLifetime Read(IHeaderDictionary headers)
    {
        var seconds = headers[StreamHeader.TimeToLive].ToString();
        var time = headers[StreamHeader.ExpiresAt].ToString();
        if (headers.ContainsKey(StreamHeader.TimeToLive) && headers.ContainsKey(StreamHeader.ExpiresAt))
            throw new RequestException($"{StreamHeader.TimeToLive} and {StreamHeader.ExpiresAt} exclude each other; send one.") { Code = "invalid_lifetime" };
        if (headers.ContainsKey(StreamHeader.ExpiresAt))
        {
            return ParseTime(time) is not null
                ? new(null, time)
                : throw new RequestException($"{StreamHeader.ExpiresAt} is no RFC 3339 time; send one like 2030-01-31T12:00:00Z.") { Code = "invalid_lifetime" };
        }

        if (!headers.ContainsKey(StreamHeader.TimeToLive)) return default;
        return WholeNumber.TryParse(seconds, out var life)
            ? new(life, null)
            : throw new RequestException($"{StreamHeader.TimeToLive} is no whole number of seconds, written in digits alone.") { Code = "invalid_lifetime" };
    }

    public static DateTimeOffset? ParseTime(string text) =>
        Rfc3339().IsMatch(text) && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

    [GeneratedRegex(@"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Rfc3339();
}
