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
        StreamTail? known = null;
        while (!_aborted.IsCancellationRequested)
        {
            if ((known ?? await LookAsync()) is not { } tail) return;
            known = null;
            if (reader.NextOffset < tail.FirstOffset)
            {
                await WriteResetAsync(tail.FirstOffset);
                return;
            }

            if (isFirst || reader.NextOffset < tail.NextOffset || tail.Closed)
            {
                isFirst = false;
                var frame = await NextFrameAsync(tail);
                if (frame is null) return;
                _wroteSinceBeat = true;
                await _sending.SendAsync(frame.Bytes);
                if (frame.IsLast) return;
                if (frame.End < tail.NextOffset) continue;
            }

            if (replies.Stopping.IsCancellationRequested || replies.Time.GetElapsedTime(started) >= longest) return;
            switch (await reader.WaitAsync())
            {
                case StreamWait.Ready:
                    known = reader.Tail; // what the log would say, and nearer
                    break;
                case StreamWait.Woken when _beat:
                    await WriteHeartbeatAsync();
                    break;
                case StreamWait.Gone:
                    return;
            }
        }
    }

    /// <summary>How far the stream has come, by the log; null when it has gone.</summary>
    private async ValueTask<StreamTail?> LookAsync() =>
        await log.GetAsync(read.LogPath) is { } info && info.Number == read.Info.Number ? new StreamTail(info.FirstOffset, info.NextOffset, info.Closed) : null;

    /// <summary>
    /// What comes next is not kept any more. An EventSource hears of it and comes back to where the stream begins now; any
    /// other client comes back to where it was, and is told by a status.
    /// </summary>
    private async ValueTask WriteResetAsync(long firstOffset)
    {
        var begin = System.Text.Encoding.ASCII.GetBytes(StreamOffset.Format(firstOffset));
        SseWriter.Event(_output, "reset"u8);
        SseWriter.Data(_output, [.. "{\"streamNextOffset\":\""u8, .. begin, .. "\"}"u8]);
        SseWriter.Line(_output, "id: "u8, begin);
        SseWriter.End(_output);
        await _sending.FlushAsync();
    }

    public void Dispose() => _heartbeat?.Dispose();

    /// <summary>The frame that comes next: the one that another follower has just encoded, or one of our own.</summary>
    private ValueTask<SseFrame?> NextFrameAsync(StreamTail tail)
    {
        var latest = channel.Latest;
        var start = reader.NextOffset;
        if (latest is not null && latest.Start == start && latest.Start < latest.End && latest.End == tail.NextOffset && latest.IsLast == tail.Closed && latest.Cursor >= _cursor)
        {
            reader.SkipTo(latest.End);
            return new(latest);
        }

        return start + 1 == tail.NextOffset && reader.TryRead(out var only) ? new(EncodeOne(read.Show(only.Data), start, tail)) : GatherAsync(tail);
    }

    private SseFrame EncodeOne(ReadOnlySpan<byte> data, long start, StreamTail tail) => Encode(data, [data.Length], start, tail);

    private async ValueTask<SseFrame?> GatherAsync(StreamTail tail)
    {
        using var events = new StreamBatch();
        var start = reader.NextOffset;
        while (reader.NextOffset < tail.NextOffset && events.Bytes.Length < FrameBytes)
        {
            while (reader.NextOffset < tail.NextOffset && events.Bytes.Length < FrameBytes && reader.TryRead(out var streamEvent)) events.Add(read.Show(streamEvent.Data));
            if (events.Bytes.Length >= FrameBytes || reader.NextOffset == tail.NextOffset) break;
            if (await reader.WaitAsync() is StreamWait.Gone or StreamWait.Closed or StreamWait.Behind) return null;
            if (_aborted.IsCancellationRequested) return null;
        }

        return Encode(events.Bytes, events.Ends, start, tail);
    }

    private SseFrame Encode(ReadOnlySpan<byte> bytes, ReadOnlySpan<int> ends, long start, StreamTail tail)
    {
        _cursor = Math.Max(_cursor, StreamCursor.Next(replies.Time.GetUtcNow(), brought: null));
        var frame = SseFrame.Encode(read.Metadata, bytes, ends, start, tail, _cursor);
        if (channel.Latest is not { } latest || latest.End < frame.End || latest.IsLast != frame.IsLast) channel.Latest = frame;
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
