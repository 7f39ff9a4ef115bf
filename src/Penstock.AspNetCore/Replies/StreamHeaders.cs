using System.Buffers;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Penstock.Generations;

namespace Penstock.AspNetCore.Replies;

/// <summary>The headers of every reply that streams.</summary>
internal static class StreamHeaders
{
    public const string EventStream = "text/event-stream";

    /// <summary>JSON, one object a line.</summary>
    public const string Lines = "application/x-ndjson";

    public const string Generation = "Penstock-Generation";

    /// <summary>Names the fields of the request that the provider's protocol has no words for.</summary>
    public const string Dropped = "Penstock-Dropped";

    /// <summary>How many messages of a long conversation the model was not sent.</summary>
    public const string Trimmed = "Penstock-Trimmed";

    /// <summary>In a request, how many seconds old an answer to the same one may be; in a reply, whether there was one.</summary>
    public const string Cache = "Penstock-Cache";

    /// <summary>Beside a count of tokens that is a guess of ours.</summary>
    public const string Estimated = "Penstock-Estimated";

    /// <summary>After how many seconds of silence a stream gives a sign of life.</summary>
    public const string Heartbeat = "Penstock-Heartbeat";

    /// <summary>The offset of the last event that was stored when the reply began: what comes up to there is a replay.</summary>
    public const string Offset = "Penstock-Offset";

    // A field's name is the client's own text, and a header holds only ASCII.
    private static readonly SearchValues<char> _plain = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-[]() ");

    /// <summary>Says what became of the request when its generation was started or joined.</summary>
    public static void WriteStarted(HttpResponse response, in Started started)
    {
        if (started.Cache != CacheUse.None) response.Headers[Cache] = started.Cache == CacheUse.Hit ? "hit" : "miss";
        if (started.Trimmed > 0) response.Headers[Trimmed] = started.Trimmed.ToString(CultureInfo.InvariantCulture);
        if (started.Dropped is not { } names) return;
        response.Headers[Dropped] = string.Join(", ", names.Where(n => !n.AsSpan().ContainsAnyExcept(_plain)).Take(100));
    }

    /// <summary>Lets a client know which silence is too long.</summary>
    public static void WriteHeartbeat(HttpResponse response, TimeSpan heartbeat) =>
        response.Headers[Heartbeat] = heartbeat.TotalSeconds.ToString(CultureInfo.InvariantCulture);

    public static void Write(HttpResponse response, string? generationId, string contentType = EventStream)
    {
        response.ContentType = contentType;
        response.Headers.CacheControl = "no-cache, no-transform";
        response.Headers["X-Accel-Buffering"] = "no"; // nginx and its like would hold tokens back
        if (generationId is not null) response.Headers[Generation] = generationId;
    }
}
