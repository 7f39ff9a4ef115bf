using System.Text.Json;

namespace Penstock.Client.Http;

/// <summary>Reads the error that a reply other than 2xx is.</summary>
internal static class ServerErrors
{
    private const int MaxBody = 64 * 1024;

    public static async ValueTask<PenstockException> ReadAsync(HttpResponseMessage reply, TimeProvider time, SilenceLimit silence)
    {
        var status = (int)reply.StatusCode;
        var said = await ReadBodyAsync(reply, silence);
        var after = reply.Headers.RetryAfter;
        return new PenstockException(said?.Code ?? $"http_{status}", said?.Message ?? $"The server answered {status}.", status)
        {
            Param = said?.Param,
            RetryAfter = after?.Delta ?? (after?.Date - time.GetUtcNow() is { } wait && wait > TimeSpan.Zero ? wait : null),
        };
    }

    // A proxy's page, or nothing, says nothing.
    private static async ValueTask<WireError?> ReadBodyAsync(HttpResponseMessage reply, SilenceLimit silence)
    {
        if (reply.Content.Headers.ContentType?.MediaType != "application/json" || reply.Content.Headers.ContentLength > MaxBody) return null;
        try
        {
            var bytes = await silence.WithinAsync(token => new ValueTask<byte[]>(reply.Content.ReadAsByteArrayAsync(token)));
            return JsonSerializer.Deserialize(bytes, ClientJson.Default.ErrorBody)?.Error;
        }
        catch (Exception e) when (e is JsonException or PenstockException)
        {
            return null;
        }
    }
}
