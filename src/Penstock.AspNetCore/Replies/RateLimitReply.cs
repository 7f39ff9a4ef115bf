using Microsoft.AspNetCore.Http;
using Penstock.Protocols;

namespace Penstock.AspNetCore.Replies;

/// <summary>The headers that say what a caller has left of its limits.</summary>
internal static class RateLimitReply
{
    public static void WriteHeaders(HttpResponse response, ClientProtocol protocol, RateLimits limits, DateTimeOffset now) =>
        protocol.WriteRateLimits(limits, now, (name, value) => response.Headers[name] = value);
}
