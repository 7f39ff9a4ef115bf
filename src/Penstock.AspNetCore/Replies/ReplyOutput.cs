using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;

namespace Penstock.AspNetCore.Replies;

/// <summary>
/// Sends what a reply has written. A client that takes nothing of it for long is cut off, and holds a buffer and a cursor no longer:
/// what it has not taken stands in the log, for when it comes back.
/// </summary>
/// <param name="context">The request.</param>
/// <param name="options">What all replies share.</param>
internal sealed class ReplyOutput(HttpContext context, ReplyOptions options)
{
    // What goes out at once of a reply that is there as a whole: a client that is slow, but takes some, is none that takes nothing.
    private const int Piece = 64 * 1024;

    private readonly PipeWriter _output = context.Response.BodyWriter;
    private readonly CancellationToken _aborted = context.RequestAborted; // Kestrel takes a lock to hand it out
    private long _waitsSince; // for the client to take what was written; 0 while it does

    /// <summary>Sends what was written, and waits until the client takes it.</summary>
    public ValueTask<FlushResult> FlushAsync() => WhenTakenAsync(_output.FlushAsync(_aborted));

    // Mostly the kernel takes all at once.
    private ValueTask<FlushResult> WhenTakenAsync(ValueTask<FlushResult> flush) => flush.IsCompleted ? flush : WaitAsync(flush);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<FlushResult> WaitAsync(ValueTask<FlushResult> flush)
    {
        Volatile.Write(ref _waitsSince, options.Time.GetTimestamp());
        try
        {
            return await flush;
        }
        finally
        {
            Volatile.Write(ref _waitsSince, 0);
        }
    }

    /// <summary>Sends what is there as a whole, piece by piece.</summary>
    public ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length is 0 or > Piece) return SendPiecesAsync(bytes);
        var flush = WhenTakenAsync(_output.WriteAsync(bytes, _aborted)); // in one call: writing and flushing each take Kestrel's lock
        if (!flush.IsCompletedSuccessfully) return EndAsync(flush);
        _ = flush.Result;
        return default;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask EndAsync(ValueTask<FlushResult> flush) => await flush;

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendPiecesAsync(ReadOnlyMemory<byte> bytes)
    {
        for (; bytes.Length > 0; bytes = bytes[Math.Min(Piece, bytes.Length)..])
        {
            _output.Write(bytes.Span[..Math.Min(Piece, bytes.Length)]);
            if ((await FlushAsync()).IsCompleted) return;
        }
    }

    /// <summary>Sends a body that is there as a whole.</summary>
    public static async Task SendAsync(HttpContext context, ReadOnlyMemory<byte> body, ReplyOptions options)
    {
        var output = new ReplyOutput(context, options);
        using var looking = output.LookNowAndThen();
        await output.SendAsync(body);
    }

    /// <summary>Cuts the client off if it has taken nothing for too long. To be called now and then while there is something to send.</summary>
    public void Look()
    {
        if (Volatile.Read(ref _waitsSince) is var since && since != 0 && options.Time.GetElapsedTime(since) >= options.StalledReader) context.Abort();
    }

    /// <summary>Has it looked, for a reply that does nothing of its own now and then.</summary>
    public ITimer LookNowAndThen() => options.Time.CreateTimer(static output => ((ReplyOutput)output!).Look(), this, options.Heartbeat, options.Heartbeat);
}
