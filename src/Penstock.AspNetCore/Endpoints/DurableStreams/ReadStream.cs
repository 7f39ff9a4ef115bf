using System.Buffers;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Penstock.AspNetCore.Auth;
using Penstock.AspNetCore.Configuration;
using Penstock.AspNetCore.Replies;
using Penstock.Streams;

namespace Penstock.AspNetCore.Endpoints.DurableStreams;

/// <summary>GET: all that there is from an offset on, or, by long-poll, what comes next.</summary>
internal sealed class ReadStream(IStreamLog log, PenstockOptions options, ReplyOptions replies)
{
    private const int FlushSize = 256 << 10;

    public async Task CatchUpAsync(HttpContext context, StreamName name)
    {
        var read = await StreamRead.OpenAsync(context, log, name, needsOffset: false);
        if (read.IsBehind) throw StreamRead.Behind(read.Info);
        using var reader = await log.OpenReaderAsync(read.LogPath, read.Offset) ?? throw DurableStreamsEndpoints.NotFound();
        var response = context.Response;
        if (read.IsNow)
        {
            response.Headers.CacheControl = "no-store";
        }
        else
        {
            var tag = TagOf(read);
            response.Headers.ETag = tag;
            response.Headers.CacheControl = CachingOf(context, read);
            if (IsKnown(context.Request, tag))
            {
                response.StatusCode = StatusCodes.Status304NotModified;
                return;
            }
        }

        WriteHeaders(response, read, read.Info);
        await WriteEventsAsync(context, read, reader, read.Info.NextOffset);
    }

    public async Task LongPollAsync(HttpContext context, StreamName name)
    {
        var read = await StreamRead.OpenAsync(context, log, name, needsOffset: true);
        if (read.IsBehind) throw StreamRead.Behind(read.Info);
        using var reader = await log.OpenReaderAsync(read.LogPath, read.Offset) ?? throw DurableStreamsEndpoints.NotFound();
        var response = context.Response;
        if (read.Info.NextOffset == read.Offset && !read.Info.Closed) await WaitAsync(context, reader);
        var info = await log.GetAsync(read.LogPath) ?? throw DurableStreamsEndpoints.NotFound();
        read = read with { Info = info };
        if (read.IsBehind) throw StreamRead.Behind(info); // trimmed while it waited
        response.Headers[StreamHeader.Cursor] = StreamCursor.Next(replies.Time.GetUtcNow(), context.Request.Query["cursor"]).ToString(CultureInfo.InvariantCulture);
        if (info.NextOffset == read.Offset)
        {
            response.StatusCode = StatusCodes.Status204NoContent;
            response.Headers.CacheControl = "no-store";
            WriteHeaders(response, read, info);
            return;
        }

        response.Headers.ETag = TagOf(read);
        response.Headers.CacheControl = CachingOf(context, read);
        WriteHeaders(response, read, info);
        await WriteEventsAsync(context, read, reader, info.NextOffset);
    }

    /// <summary>The headers that say how far a reply goes.</summary>
    public static void WriteHeaders(HttpResponse response, StreamRead read, StreamInfo info)
    {
        response.ContentType = read.Metadata.ContentType;
        response.Headers[StreamHeader.NextOffset] = StreamOffset.Format(info.NextOffset);
        response.Headers[StreamHeader.UpToDate] = "true";
        if (info.Closed) response.Headers[StreamHeader.Closed] = "true";
    }

    private async ValueTask WaitAsync(HttpContext context, IStreamReader reader)
    {
        await using var timer = replies.Time.CreateTimer(Wake, reader, options.Streams.LongPollTimeout, Timeout.InfiniteTimeSpan);
        await using var onAbort = context.RequestAborted.UnsafeRegister(Wake, reader);
        await using var onShutdown = replies.Stopping.UnsafeRegister(Wake, reader);
        await reader.WaitAsync();
        context.RequestAborted.ThrowIfCancellationRequested();
    }

    private async Task WriteEventsAsync(HttpContext context, StreamRead read, IStreamReader reader, long end)
    {
        var output = context.Response.BodyWriter;
        var sending = new ReplyOutput(context, replies);
        using var looking = sending.LookNowAndThen();
        var isJson = read.Metadata.IsJson;
        if (reader.NextOffset < end) await BringToHandAsync(reader, read); // damage at the beginning has a status of its own
        if (isJson) output.Write("["u8);
        while (reader.NextOffset < end)
        {
            while (output.UnflushedBytes < FlushSize && reader.NextOffset < end && reader.TryRead(out var streamEvent))
            {
                if (isJson && streamEvent.Offset > read.Offset) output.Write(","u8);
                output.Write(read.Show(streamEvent.Data));
            }

            if (output.UnflushedBytes >= FlushSize)
            {
                if ((await sending.FlushAsync()).IsCompleted) return;
            }
            else if (reader.NextOffset < end)
            {
                await BringToHandAsync(reader, read);
            }
        }

        if (isJson) output.Write("]"u8);
        await sending.FlushAsync();
    }

    private async ValueTask BringToHandAsync(IStreamReader reader, StreamRead read)
    {
        var wait = await reader.WaitAsync();
        if (wait is StreamWait.Behind && await log.GetAsync(read.LogPath) is { } info) throw StreamRead.Behind(info);
        if (wait is StreamWait.Gone or StreamWait.Closed or StreamWait.Behind) throw new StreamGoneException(read.LogPath);
    }

    private static string TagOf(StreamRead read) => string.Create(
        CultureInfo.InvariantCulture, $"\"{read.Info.Number:x}:{read.Offset}:{read.Info.NextOffset}{(read.Info.Closed ? ":c" : "")}\"");

    private static bool IsKnown(HttpRequest request, string tag) =>
        request.Headers.IfNoneMatch.Count > 0
        && EntityTagHeaderValue.TryParseList(request.Headers.IfNoneMatch, out var known)
        && known.Any(k => k.Tag == "*" || k.Tag == tag);

    // What is behind the end now may be there in a moment, so an empty reply is not for keeping.
    private static string CachingOf(HttpContext context, StreamRead read) =>
        read.Offset == read.Info.NextOffset ? "no-cache"
        : Caller.Of(context) != Caller.Anybody || context.Request.Headers.Authorization.Count > 0 ? "private, max-age=60, stale-while-revalidate=300"
        : "public, max-age=60, stale-while-revalidate=300";

    private static void Wake(object? reader) => ((IStreamReader)reader!).Wake();
}
