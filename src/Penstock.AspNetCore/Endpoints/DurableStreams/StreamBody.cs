using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.AspNetCore.Endpoints.DurableStreams;

/// <summary>Reads a request's body as the events that it is.</summary>
internal static class StreamBody
{
    /// <summary>Adds the body's events to a batch: its messages in JSON mode, else all of it as one.</summary>
    /// <returns>False when there is no body.</returns>
    /// <exception cref="RequestException">It is too large (413), or not the JSON that it has to be.</exception>
    public static async ValueTask<bool> ReadAsync(HttpContext context, StreamMetadata metadata, StreamBatch batch, long limit)
    {
        if (context.Request.ContentLength > limit) throw TooLarge(limit);
        if (!metadata.IsJson)
        {
            if (await CopyAsync(context, batch, limit) == 0) return false;
            batch.EndEvent();
            return true;
        }

        using var body = new StreamBatch();
        if (await CopyAsync(context, body, limit) == 0) return false;
        body.EndEvent();
        JsonMessages.Add(body.Bytes, batch);
        return true;
    }

    private static async ValueTask<long> CopyAsync(HttpContext context, StreamBatch into, long limit)
    {
        var reader = context.Request.BodyReader;
        long length = 0;
        while (true)
        {
            var read = await reader.ReadAsync(context.RequestAborted);
            length += read.Buffer.Length;
            if (length > limit) throw TooLarge(limit);
            foreach (var segment in read.Buffer) into.Write(segment.Span);
            reader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted) return length;
        }
    }

    private static RequestException TooLarge(long limit) => new($"The body is larger than {limit} bytes, which is the limit here; send it in parts.")
    {
        Status = StatusCodes.Status413PayloadTooLarge,
        Code = "request_too_large",
    };
}
