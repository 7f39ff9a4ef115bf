using Microsoft.AspNetCore.Http;
using Penstock.Sse;

namespace Penstock.AspNetCore.Replies;

/// <summary>
/// Sends a reader away for a moment: <c>retry:</c>, and the connection is cut. An EventSource comes back by itself,
/// where a 503 would stop it for good; an SDK sees a broken connection, where a clean end would look like a whole answer.
/// </summary>
internal static class RetryLater
{
    // As long as a socket needs to send what it has.
    private static readonly TimeSpan _lastWords = TimeSpan.FromMilliseconds(100);

    public static async Task WriteAsync(HttpContext context, string? generationId, TimeProvider time, TimeSpan atLeast = default, string contentType = StreamHeaders.EventStream)
    {
        if (!context.Response.HasStarted) StreamHeaders.Write(context.Response, generationId, contentType);
        // The field counts on its line. A blank line would make an event of it to some SDKs. Lines of JSON have no word for it.
        if (contentType == StreamHeaders.EventStream) SseWriter.Retry(context.Response.BodyWriter, (int)Math.Min(atLeast.TotalMilliseconds, 1e9) + Random.Shared.Next(500, 3000)); // not all at once
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
        await Task.Delay(_lastWords, time, context.RequestAborted);
        context.Abort();
    }
}
