using System.Buffers;
using Microsoft.AspNetCore.Http;
using Penstock.Generations;
using Penstock.Protocols;
using Penstock.Protocols.Native;
using Penstock.Streams;

namespace Penstock.AspNetCore.Replies;

/// <summary>Answers with the whole document once the generation has ended: the reply to a request that asked for no stream.</summary>
internal static class DocumentReply
{
    public static async Task WriteAsync(HttpContext context, ClientProtocol protocol, Subscription subscription, ReplyOptions options)
    {
        var reader = subscription.Reader;
        var aborted = context.RequestAborted;
        await using var onAbort = aborted.UnsafeRegister(static r => ((IStreamReader)r!).Wake(), reader);
        await using var onStop = options.Stopping.UnsafeRegister(static r => ((IStreamReader)r!).Wake(), reader);
        // The stream's own end wakes the reader; this is for an ending that could not be stored.
        _ = subscription.Completion.ContinueWith(static (_, r) => ((IStreamReader)r!).Wake(), reader, TaskScheduler.Default);

        var document = new ArrayBufferWriter<byte>();
        GenerationError? error = null;
        while (!aborted.IsCancellationRequested)
        {
            var ended = false;
            while (reader.TryRead(out var record)) ended = Take(record, document, ref error);
            var wait = ended ? StreamWait.Closed : await reader.WaitAsync();
            if (wait == StreamWait.Ready) continue;
            if (wait == StreamWait.Woken)
            {
                if (subscription.Lost is { } lost) error = lost;
                else if (options.Stopping.IsCancellationRequested) error = GenerationErrors.ShutDown;
                else continue;
            }

            if (wait == StreamWait.Gone) error = new GenerationError("stream_gone", "The answer was deleted while it was written.", 404);
            if (subscription.IsFromCache && CachedUsage.IsIn(document.WrittenSpan)) document = Cached(document);
            await (error is null ? SendAsync(context, protocol, subscription.Id, document, options) : ErrorReply.WriteAsync(context, protocol, ErrorReply.From(error)));
            return;
        }
    }

    private static ArrayBufferWriter<byte> Cached(ArrayBufferWriter<byte> document)
    {
        var cached = new ArrayBufferWriter<byte>(document.WrittenCount + 64);
        CachedUsage.Write(document.WrittenSpan, cached);
        return cached;
    }

    private static bool Take(StreamEvent record, ArrayBufferWriter<byte> document, ref GenerationError? error)
    {
        var json = EventRecord.Json(record.Data);
        var type = NativeEventWriter.TypeOf(json);
        if (type.SequenceEqual("failed"u8) || type.SequenceEqual("interrupted"u8)) error = NativeEventReader.Read(json).Error;
        if (type.SequenceEqual("reset"u8)) document.ResetWrittenCount(); // what was said so far is void
        document.Write(EventRecord.Frames(record.Data));
        return EventRecord.IsEnding(record.Data);
    }

    private static Task SendAsync(HttpContext context, ClientProtocol protocol, string id, ArrayBufferWriter<byte> document, ReplyOptions options)
    {
        context.Response.ContentType = protocol.ContentType;
        context.Response.ContentLength = document.WrittenCount;
        context.Response.Headers[StreamHeaders.Generation] = id;
        return ReplyOutput.SendAsync(context, document.WrittenMemory, options);
    }
}
