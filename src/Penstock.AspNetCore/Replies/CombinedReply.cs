using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http;
using Penstock.Generations;
using Penstock.Protocols;
using Penstock.Sse;
using Penstock.Streams;

namespace Penstock.AspNetCore.Replies;

/// <summary>
/// Streams several generations to one client: a browser opens six connections to a host over HTTP/1.1, in all its tabs together.
/// Each frame's id names its generation; after a generation's last frame comes one of the type <c>end</c>, without an id.
/// </summary>
/// <param name="context">The request.</param>
/// <param name="options">What all replies share.</param>
internal sealed class CombinedReply(HttpContext context, ReplyOptions options) : IAsyncDisposable
{
    // What one generation may send before the others have their turn, and all before a flush.
    private const int Share = 16 * 1024;
    private const int FlushSize = 64 * 1024;

    private readonly List<Source> _sources = [];
    // Sources whose wait is over; null to look around.
    private readonly Channel<Source?> _ready = Channel.CreateUnbounded<Source?>(new UnboundedChannelOptions { SingleReader = true });
    private readonly PipeWriter _output = context.Response.BodyWriter;
    private readonly ReplyOutput _sending = new(context, options);
    private readonly CancellationToken _aborted = context.RequestAborted;
    private int _open;
    private bool _wroteSinceBeat;
    private volatile bool _beat;

    /// <summary>Adds a generation; the subscription is disposed with this.</summary>
    public void Add(Subscription subscription)
    {
        _sources.Add(new Source(subscription, _ready.Writer));
        _open++;
    }

    /// <summary>Says of a generation that nothing more comes of it here, and why where that is not its ending.</summary>
    public void WriteEnd(string id, GenerationError? error = null)
    {
        var data = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(data))
        {
            json.WriteStartObject();
            json.WriteString("type"u8, "end"u8);
            json.WriteString("generation"u8, id);
            if (error is not null)
            {
                json.WriteStartObject("error"u8);
                json.WriteString("code"u8, error.Code);
                json.WriteString("message"u8, error.Message);
                json.WriteNumber("status"u8, error.Status);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        SseWriter.Event(_output, "end"u8);
        SseWriter.Data(_output, data.WrittenSpan);
        SseWriter.End(_output);
    }

    /// <summary>Streams until all generations have ended, the client has gone, or the server shuts down.</summary>
    public async Task RunAsync()
    {
        await using var onAbort = _aborted.UnsafeRegister(LookAround, _ready.Writer);
        await using var onShutdown = options.Stopping.UnsafeRegister(LookAround, _ready.Writer);
        using var heartbeat = options.Time.CreateTimer(static state => ((CombinedReply)state!).Beat(), this, options.Heartbeat, options.Heartbeat);
        StreamHeaders.Write(context.Response, generationId: null);
        foreach (var source in _sources) source.Wait();
        await _sending.FlushAsync();

        while (_open > 0)
        {
            await _ready.Reader.WaitToReadAsync(CancellationToken.None);
            while (_output.UnflushedBytes < FlushSize && _ready.Reader.TryRead(out var source))
            {
                if (source is not null) Copy(source);
            }

            if (_aborted.IsCancellationRequested) return;
            if (options.Stopping.IsCancellationRequested)
            {
                await RetryLater.WriteAsync(context, generationId: null, options.Time);
                return;
            }

            if (_output.UnflushedBytes > 0) _wroteSinceBeat = true;
            if (_beat) WriteHeartbeat();
            if (_output.UnflushedBytes > 0 && (await _sending.FlushAsync()).IsCompleted) return;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var source in _sources.Where(s => s.IsWaiting)) source.Subscription.Reader.Wake();
        foreach (var source in _sources)
        {
            while (source.IsWaiting) (await _ready.Reader.ReadAsync(CancellationToken.None))?.Leave();
            source.Subscription.Dispose();
        }
    }

    private void Copy(Source source)
    {
        var reader = source.Subscription.Reader;
        try
        {
            switch (source.Result())
            {
                case StreamWait.Ready:
                    var before = _output.UnflushedBytes;
                    while (_output.UnflushedBytes - before < Share && reader.TryRead(out var record))
                    {
                        EventView.Native.Write(source.Subscription, record, 0, _output);
                        if (!EventRecord.IsEnding(record.Data)) continue;
                        End(source);
                        return;
                    }

                    source.Wait();
                    return;
                case StreamWait.Woken:
                    if (source.Subscription.Lost is { } lost) End(source, lost);
                    else source.Wait();
                    return;
                case StreamWait.Closed:
                    End(source);
                    return;
                default:
                    End(source, EventStreamReply.Gone);
                    return;
            }
        }
        catch (StreamCorruptException)
        {
            End(source, GenerationErrors.Internal);
        }
    }

    private void End(Source source, GenerationError? error = null)
    {
        WriteEnd(source.Subscription.Id, error);
        _open--;
    }

    private void Beat()
    {
        _sending.Look();
        _beat = true;
        LookAround(_ready.Writer);
    }

    private void WriteHeartbeat()
    {
        _beat = false;
        // One whose store could not take the ending has no other way to say so.
        foreach (var source in _sources.Where(s => s is { IsWaiting: true, Subscription.Lost: not null })) source.Subscription.Reader.Wake();
        if (!_wroteSinceBeat) SseWriter.Comment(_output, "ping"u8);
        _wroteSinceBeat = false;
    }

    private static void LookAround(object? ready) => ((ChannelWriter<Source?>)ready!).TryWrite(null);

    /// <summary>A cursor that is either waited for, and then queued, or read.</summary>
    private sealed class Source
    {
        private readonly Action _queue; // made once, so that a wait allocates nothing
        private ValueTaskAwaiter<StreamWait> _waiting;

        public Source(Subscription subscription, ChannelWriter<Source?> ready)
        {
            Subscription = subscription;
            _queue = () => ready.TryWrite(this);
        }

        public Subscription Subscription { get; }

        public bool IsWaiting { get; private set; }

        public void Wait()
        {
            _waiting = Subscription.Reader.WaitAsync().GetAwaiter();
            IsWaiting = true;
            if (_waiting.IsCompleted) _queue();
            else _waiting.UnsafeOnCompleted(_queue);
        }

        public StreamWait Result()
        {
            IsWaiting = false;
            return _waiting.GetResult();
        }

        public void Leave()
        {
            try
            {
                Result();
            }
            catch (StreamCorruptException)
            {
                // Nobody is told any more.
            }
        }
    }
}
