using System.Globalization;
using Microsoft.AspNetCore.Http;
using Penstock.Protocols;

namespace Penstock.AspNetCore.Replies;

/// <summary>Answers with an error in the protocol's own shape.</summary>
internal static class ErrorReply
{
    /// <summary>The <c>WWW-Authenticate</c> of a 401.</summary>
    public const string Challenge = "Bearer realm=\"penstock\"";

    public static Task WriteAsync(HttpContext context, ClientProtocol protocol, RequestException error)
    {
        var response = context.Response;
        if (response.HasStarted) return Task.CompletedTask;
        response.Clear();
        response.StatusCode = error.Status;
        response.ContentType = protocol.ContentType;
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = "nosniff"; // which the clearing took away
        if (error.Status == StatusCodes.Status401Unauthorized) response.Headers.WWWAuthenticate = Challenge;
        if (error.RetryAfter is { } after)
        {
            response.Headers.RetryAfter = ((long)Math.Ceiling(after.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
            if (error.RateLimits is not null) response.Headers["retry-after-ms"] = ((long)Math.Ceiling(after.TotalMilliseconds)).ToString(CultureInfo.InvariantCulture); // SDKs look at it first
        }

        if (error.IsFinal) response.Headers["x-should-retry"] = "false";
        if (error.RateLimits is { } limits) RateLimitReply.WriteHeaders(response, protocol, limits, DateTimeOffset.UtcNow);
        protocol.WriteError(error, RequestId.Of(context), response.BodyWriter);
        return response.BodyWriter.FlushAsync(context.RequestAborted).AsTask();
    }

    /// <summary>The request error that a generation's failure before its first output is.</summary>
    public static RequestException From(GenerationError error) => new(error.Message)
    {
        Status = error.Status,
        Code = error.Code,
        RetryAfter = error.RetryAfter,
    };
}
