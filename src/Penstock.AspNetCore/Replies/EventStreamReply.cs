using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Penstock.Generations;
using Penstock.Protocols;
using Penstock.Protocols.Native;
using Penstock.Sse;
using Penstock.Streams;

namespace Penstock.AspNetCore.Replies;

/// <summary>
/// Streams a generation to one client: copies what is ready, flushes once, waits for more. It holds nothing of the stream:
/// a client that reads slowly is a cursor that lags.
/// </summary>
/// <param name="context">The request.</param>
/// <param name="protocol">The protocol that the client speaks.</param>
/// <param name="view">What it is shown.</param>
/// <param name="subscription">Where it reads; disposed with this.</param>
/// <param name="skip">How many frames of the first record the client has.</param>
/// <param name="asked">Whether this request asked for the generation, so that a failure before any output is its own.</param>
/// <param name="options">What all replies share.</param>
internal sealed class EventStreamReply(
    HttpContext context, ClientProtocol protocol, EventView view, Subscription subscription, int skip, bool asked, ReplyOptions options) : IDisposable
{
    /// <summary>What a client is told whose stream went away under it.</summary>
    public static readonly GenerationError Gone = new("stream_gone", "The stream was deleted, or its retention has ended.", 404);

    // Enough to keep a socket busy; more would only sit in Kestrel's buffer.
    private const int FlushSize = 64 * 1024;

    private readonly IStreamReader _reader = subscription.IsPaced ? new PacedReader(subscription.Reader, options.Time) : subscription.Reader;
    private readonly PipeWriter _output = context.Response.BodyWriter;
    private readonly ReplyOutput _sending = new(context, options);
    private readonly bool _hidesReset = view != EventView.Native && !protocol.SaysReset;
    private readonly CancellationToken _aborted = context.RequestAborted; // Kestrel takes a lock to hand it out
    private int _skip = skip;
    private bool _ended;
    private bool _isVoid; // the client has a part of an answer that was begun anew, and could not be told to clear it
    private ReadOnlyMemory<byte> _beginning;
    private bool _isAnnounced; // the client was told that its answer waits
    private ArrayBufferWriter<byte>? _attempts; // what shows of the attempts before the first output
    private ITimer? _heartbeat;
    private bool _wroteSinceBeat;
    private bool _wroteSome;
    private volatile bool _beat;

    /// <summary>What the client is shown before the first event that it reads.</summary>
    public ReadOnlyMemory<byte> Beginning { init => _beginning = value; }

    /// <summary>Tells whether the generation waits for a worker, for a protocol that has a word for it.</summary>
    public Func<string, ValueTask<(StreamInfo Info, GenerationMetadata Metadata)?>>? FindQueued { private get; init; }

    /// <summary>Streams until the generation's ending was sent, the client has gone, or the server shuts down.</summary>
    public async Task RunAsync()
    {
        await using var onAbort = _aborted.UnsafeRegister(Wake, _reader);
        await using var onShutdown = options.Stopping.UnsafeRegister(Wake, _reader);
        _heartbeat = options.Time.CreateTimer(static state => ((EventStreamReply)state!).Beat(), this, options.Heartbeat, options.Heartbeat);

        if (!_beginning.IsEmpty) await WriteBeginningAsync();
        while (true)
        {
            if (_aborted.IsCancellationRequested) return;
            if (await CopyAsync() is { } early)
            {
                await ErrorReply.WriteAsync(context, protocol, ErrorReply.From(early));
                return;
            }

            if (_ended) return;
            if (_isVoid)
            {
                await FailAsync(GenerationErrors.BegunAnew);
                return;
            }

            if (subscription.Lost is { } lost)
            {
                await FailAsync(lost);
                return;
            }

            if (options.Stopping.IsCancellationRequested)
            {
                await SayGoodbyeAsync();
                return;
            }

            switch (await _reader.WaitAsync())
            {
                case StreamWait.Ready:
                    break;
                case StreamWait.Woken:
                    if (_beat) await WriteHeartbeatAsync();
                    break; // or aborted, or shutting down
                case StreamWait.Closed:
                    if (!context.Response.HasStarted) StreamHeaders.Write(context.Response, subscription.Id, view.ContentType);
                    return;
                default:
                    await FailAsync(Gone);
                    return;
            }
        }
    }

    public void Dispose()
    {
        _heartbeat?.Dispose();
        subscription.Dispose();
    }

    private ValueTask WriteBeginningAsync()
    {
        StreamHeaders.Write(context.Response, subscription.Id, view.ContentType);
        var beginning = _beginning;
        _beginning = default;
        _wroteSinceBeat = _wroteSome = true;
        return _sending.SendAsync(beginning);
    }

    // Copies all that is at hand. Returns the failure when that is all there is and nothing was sent: then it has a status of its own.
    private async ValueTask<GenerationError?> CopyAsync()
    {
        while (true)
        {
            if (!CopyReady(out var early)) return early;
            _wroteSinceBeat = _wroteSome = true;
            if (_ended && context.Response.HasStarted) return null; // it goes out with the end of the body, in one write
            if ((await _sending.FlushAsync()).IsCompleted) return null;
        }
    }

    private bool CopyReady(out GenerationError? early)
    {
        early = null;
        var any = false;
        while (_output.UnflushedBytes < FlushSize && _reader.TryRead(out var record))
        {
            if (asked && !any && !context.Response.HasStarted)
            {
                if (EarlyFailure(record) is { } failure)
                {
                    early = failure;
                    return false;
                }

                if (IsAttempt(record))
                {
                    // It may yet fail with a status of its own.
                    view.Write(subscription, record, 0, _attempts ??= new());
                    continue;
                }
            }

            if (_hidesReset && IsReset(record))
            {
                _isVoid = _wroteSome || _output.UnflushedBytes > 0;
                if (_isVoid) return false;
            }

            WriteAttempts();
            if (_isAnnounced && EventRecord.Frames(record.Data) is { IsEmpty: false } frames)
            {
                if (frames.StartsWith(protocol.Announcement)) _skip = 1;
                _isAnnounced = false;
            }

            if (subscription.IsFromCache && CachedUsage.IsIn(record.Data)) WriteCached(record);
            else view.Write(subscription, record, _skip, _output);
            _skip = 0;
            _ended = EventRecord.IsEnding(record.Data);
            any |= _ended || _output.UnflushedBytes > 0; // not every record shows in every protocol
        }

        if (any && !context.Response.HasStarted) StreamHeaders.Write(context.Response, subscription.Id, view.ContentType);
        return any;
    }

    private void WriteCached(StreamEvent record)
    {
        var written = new ArrayBufferWriter<byte>();
        view.Write(subscription, record, _skip, written);
        CachedUsage.Write(written.WrittenSpan, _output);
    }

    private void WriteAttempts()
    {
        if (_attempts is null) return;
        _output.Write(_attempts.WrittenSpan);
        _attempts = null;
    }

    private static bool IsAttempt(StreamEvent record) => NativeEventWriter.TypeOf(EventRecord.Json(record.Data)).SequenceEqual("attempt"u8);

    private static bool IsReset(StreamEvent record) => NativeEventWriter.TypeOf(EventRecord.Json(record.Data)).SequenceEqual("reset"u8);

    private static GenerationError? EarlyFailure(StreamEvent record)
    {
        var json = EventRecord.Json(record.Data);
        return NativeEventWriter.TypeOf(json).SequenceEqual("failed"u8) ? NativeEventReader.Read(json).Error : null;
    }

    private void Beat()
    {
        _sending.Look();
        _beat = true;
        _reader.Wake();
    }

    private async ValueTask WriteHeartbeatAsync()
    {
        _beat = false;
        var silent = !_wroteSinceBeat;
        _wroteSinceBeat = false;
        if (!silent) return;
        var queued = _wroteSome || _isAnnounced || FindQueued is null ? null : await FindQueued(subscription.Id);
        if (!context.Response.HasStarted) StreamHeaders.Write(context.Response, subscription.Id, view.ContentType);
        WriteAttempts();
        if (queued is var (info, metadata)) protocol.WriteQueued(metadata.ToRequest(), subscription.Id, info.CreatedAt, _output);
        else view.WriteHeartbeat(protocol, _output);
        _isAnnounced |= queued is not null;
        await _sending.FlushAsync();
    }

    // A POST that has no reply yet can be told with a status; whoever reads on, and an EventSource, comes back by itself.
    private Task SayGoodbyeAsync() => !view.IsResumable ? FailAsync(GenerationErrors.ShutDown) : context.Response.HasStarted || !HttpMethods.IsPost(context.Request.Method)
        ? RetryLater.WriteAsync(context, subscription.Id, options.Time, contentType: view.ContentType)
        : ErrorReply.WriteAsync(context, protocol, ErrorReply.From(GenerationErrors.ShutDown));

    // The log has no ending to show, so this one has no id.
    private async Task FailAsync(GenerationError error)
    {
        if (!context.Response.HasStarted)
        {
            await ErrorReply.WriteAsync(context, protocol, ErrorReply.From(error));
            return;
        }

        view.WriteFailure(protocol, error, _output);
        await _sending.FlushAsync();
    }

    private static void Wake(object? reader) => ((IStreamReader)reader!).Wake();
}

/// <summary>What all replies share.</summary>
internal sealed record ReplyOptions(TimeSpan Heartbeat, TimeSpan StalledReader, TimeProvider Time, CancellationToken Stopping);
