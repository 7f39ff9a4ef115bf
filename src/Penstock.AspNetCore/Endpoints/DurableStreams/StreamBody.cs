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
    public static ValueTask<bool> ReadAsync(HttpContext context, StreamMetadata metadata, StreamBatch batch, long limit)
    {
        if (context.Request.ContentLength > limit) throw TooLarge(limit);
        if (metadata.IsJson) return ReadJsonAsync(context, batch, limit);
        var copy = CopyAsync(context, batch, limit);
        return copy.IsCompletedSuccessfully ? new(End(batch, copy.Result)) : EndAsync(batch, copy);
    }

    private static async ValueTask<bool> EndAsync(StreamBatch batch, ValueTask<long> copy) => End(batch, await copy);

    private static bool End(StreamBatch batch, long length)
    {
        if (length == 0) return false;
        batch.EndEvent();
        return true;
    }

    private static async ValueTask<bool> ReadJsonAsync(HttpContext context, StreamBatch batch, long limit)
    {
        using var body = new StreamBatch();
        if (await CopyAsync(context, body, limit) == 0) return false;
        body.EndEvent();
        JsonMessages.Add(body.Bytes, batch);
        return true;
    }

    // Most bodies have come with their heads: then there is nothing to wait for.
    private static ValueTask<long> CopyAsync(HttpContext context, StreamBatch into, long limit)
    {
        var reader = context.Request.BodyReader;
        if (!reader.TryRead(out var read)) return CopyRestAsync(context, into, 0, limit);
        var length = Copy(reader, read, into, 0, limit);
        return read.IsCompleted ? new(length) : CopyRestAsync(context, into, length, limit);
    }

    private static async ValueTask<long> CopyRestAsync(HttpContext context, StreamBatch into, long length, long limit)
    {
        var reader = context.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(context.RequestAborted);
            length = Copy(reader, read, into, length, limit);
            if (read.IsCompleted) return length;
        }
    }

    /// <returns>How much has come by now.</returns>
    private static long Copy(PipeReader reader, in ReadResult read, StreamBatch into, long length, long limit)
    {
        length += read.Buffer.Length;
        if (length > limit) throw TooLarge(limit);
        foreach (var segment in read.Buffer) into.Write(segment.Span);
        reader.AdvanceTo(read.Buffer.End);
        return length;
    }

    private static RequestException TooLarge(long limit) => new($"The body is larger than {limit} bytes, which is the limit here; send it in parts.")
    {
        Status = StatusCodes.Status413PayloadTooLarge,
        Code = "request_too_large",
    };
}
