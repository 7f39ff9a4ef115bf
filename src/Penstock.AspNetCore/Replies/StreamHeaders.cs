using Microsoft.AspNetCore.Http;

namespace Penstock.AspNetCore.Replies;

/// <summary>The headers of every reply that streams.</summary>
internal static class StreamHeaders
{
    public const string Generation = "Penstock-Generation";

    public static void Write(HttpResponse response, string? generationId)
    {
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache, no-transform";
        response.Headers["X-Accel-Buffering"] = "no"; // nginx and its like would hold tokens back
        if (generationId is not null) response.Headers[Generation] = generationId;
    }
}
