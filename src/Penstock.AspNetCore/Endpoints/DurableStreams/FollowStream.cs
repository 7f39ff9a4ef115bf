using Microsoft.AspNetCore.Http;
using Penstock.AspNetCore.Replies;
using Penstock.Sse;
using Penstock.Streams;

namespace Penstock.AspNetCore.Endpoints.DurableStreams;

/// <summary>GET with <c>live=sse</c>: what there is from an offset on, and what comes, until the stream is closed or a minute is over.</summary>
internal sealed class FollowStream(IStreamLog log, ReplyOptions replies, SseChannels channels)
{
    // Followers come back in between, so that caches in front of us can gather them.
    private static readonly TimeSpan _longest = TimeSpan.FromMinutes(1);

    public async Task HandleAsync(HttpContext context, StreamName name)
    {
        var read = await StreamRead.OpenAsync(context, log, name, needsOffset: true);
        var comesBack = context.Request.Headers.ContainsKey("Last-Event-ID");
        if (read.IsBehind && !comesBack) throw StreamRead.Behind(read.Info);
        if (read.Info.Closed && read.Offset == read.Info.NextOffset && comesBack)
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent; // tells EventSource to stop for good
            return;
        }

        using var reader = await log.OpenReaderAsync(read.LogPath, read.Offset) ?? throw DurableStreamsEndpoints.NotFound();
        if (read.Offset < read.Info.NextOffset) await reader.WaitAsync(); // damage at the beginning has a status of its own
        StreamHeaders.Write(context.Response, generationId: null);
        if (!read.Metadata.IsText) context.Response.Headers[StreamHeader.DataEncoding] = "base64";
        SseWriter.Retry(context.Response.BodyWriter, Random.Shared.Next(500, 2000)); // not all at once

        var channel = channels.Join(read.Info.Number);
        try
        {
            using var follower = new Follower(context, log, read, reader, channel, replies);
            await follower.RunAsync(_longest);
        }
        finally
        {
            channels.Leave(read.Info.Number);
        }
    }
}
