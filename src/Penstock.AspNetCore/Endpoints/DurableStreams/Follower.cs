using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Penstock.AspNetCore.Replies;
using Penstock.Sse;
using Penstock.Streams;

namespace Penstock.AspNetCore.Endpoints.DurableStreams;

/// <summary>One client that follows a stream by server-sent events.</summary>
internal sealed class Follower(HttpContext context, IStreamLog log, StreamRead read, IStreamReader reader, SseChannel channel, ReplyOptions replies) : IDisposable
{
    private const int FrameBytes = 64 << 10;

    private readonly PipeWriter _output = context.Response.BodyWriter;
    private readonly ReplyOutput _sending = new(context, replies);
    private readonly CancellationToken _aborted = context.RequestAborted;
    private long _cursor = StreamCursor.Next(replies.Time.GetUtcNow(), context.Request.Query["cursor"]);
    private ITimer? _heartbeat;
    private bool _wroteSinceBeat;
    private volatile bool _beat;

    /// <summary>Sends until the stream is closed, the time is over, the client has gone or the server shuts down.</summary>
    public async Task RunAsync(TimeSpan longest)
    {
        await using var onAbort = _aborted.UnsafeRegister(Wake, reader);
        await using var onShutdown = replies.Stopping.UnsafeRegister(Wake, reader);
        _heartbeat = replies.Time.CreateTimer(static state => ((Follower)state!).Beat(), this, replies.Heartbeat, replies.Heartbeat);
        var started = replies.Time.GetTimestamp();

        var isFirst = true; // even with nothing to read yet, it is told where it stands
        while (!_aborted.IsCancellationRequested)
        {
            var info = await log.GetAsync(read.LogPath);
            if (info is null || info.Number != read.Info.Number) return;
            if (reader.NextOffset < info.FirstOffset)
            {
                await WriteResetAsync(info);
                return;
            }

            if (isFirst || reader.NextOffset < info.NextOffset || info.Closed)
            {
                isFirst = false;
                var frame = await NextFrameAsync(info);
                if (frame is null) return;
                _wroteSinceBeat = true;
                await _sending.SendAsync(frame.Bytes);
                if (frame.IsLast) return;
                if (frame.End < info.NextOffset) continue;
            }

            if (replies.Stopping.IsCancellationRequested || replies.Time.GetElapsedTime(started) >= longest) return;
            switch (await reader.WaitAsync())
            {
                case StreamWait.Woken when _beat:
                    await WriteHeartbeatAsync();
                    break;
                case StreamWait.Gone:
                    return;
            }
        }
    }

    /// <summary>
    /// What comes next is not kept any more. An EventSource hears of it and comes back to where the stream begins now; any
    /// other client comes back to where it was, and is told by a status.
    /// </summary>
    private async ValueTask WriteResetAsync(StreamInfo info)
    {
        var begin = System.Text.Encoding.ASCII.GetBytes(StreamOffset.Format(info.FirstOffset));
        SseWriter.Event(_output, "reset"u8);
        SseWriter.Data(_output, [.. "{\"streamNextOffset\":\""u8, .. begin, .. "\"}"u8]);
        SseWriter.Line(_output, "id: "u8, begin);
        SseWriter.End(_output);
        await _sending.FlushAsync();
    }

    public void Dispose() => _heartbeat?.Dispose();

    /// <summary>The frame that comes next: the one that another follower has just encoded, or one of our own.</summary>
    private async ValueTask<SseFrame?> NextFrameAsync(StreamInfo info)
    {
        var latest = channel.Latest;
        if (latest is not null && latest.Start == reader.NextOffset && latest.Start < latest.End && latest.End == info.NextOffset && latest.IsLast == info.Closed && latest.Cursor >= _cursor)
        {
            reader.SkipTo(latest.End);
            return latest;
        }

        using var events = new StreamBatch();
        var start = reader.NextOffset;
        while (reader.NextOffset < info.NextOffset && events.Bytes.Length < FrameBytes)
        {
            while (reader.NextOffset < info.NextOffset && events.Bytes.Length < FrameBytes && reader.TryRead(out var streamEvent)) events.Add(read.Show(streamEvent.Data));
            if (events.Bytes.Length >= FrameBytes || reader.NextOffset == info.NextOffset) break;
            if (await reader.WaitAsync() is StreamWait.Gone or StreamWait.Closed or StreamWait.Behind) return null;
            if (_aborted.IsCancellationRequested) return null;
        }

        _cursor = Math.Max(_cursor, StreamCursor.Next(replies.Time.GetUtcNow(), brought: null));
        var frame = SseFrame.Encode(read, events, start, info, _cursor);
        if (latest is null || latest.End < frame.End || latest.IsLast != frame.IsLast) channel.Latest = frame;
        return frame;
    }

    private void Beat()
    {
        _sending.Look();
        _beat = true;
        reader.Wake();
    }

    private async ValueTask WriteHeartbeatAsync()
    {
        _beat = false;
        var isSilent = !_wroteSinceBeat;
        _wroteSinceBeat = false;
        if (!isSilent) return;
        SseWriter.Comment(_output, "ping"u8);
        await _sending.FlushAsync();
    }

    private static void Wake(object? reader) => ((IStreamReader)reader!).Wake();
}
