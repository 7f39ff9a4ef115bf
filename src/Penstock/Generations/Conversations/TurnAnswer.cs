using System.Buffers;
using Penstock.Protocols;
using Penstock.Protocols.Native;
using Penstock.Protocols.Responses;
using Penstock.Streams;

namespace Penstock.Generations.Conversations;

/// <summary>What came of a turn of a conversation.</summary>
internal static class TurnAnswer
{
    /// <summary>The items that a generation which has ended adds to its conversation; null where nothing came of it that is worth keeping.</summary>
    /// <remarks>
    /// What failed, or went down with its server, its client asks again; both questions would then stand there. What was stopped counts
    /// as far as it came.
    /// </remarks>
    public static async ValueTask<IReadOnlyList<ReadOnlyMemory<byte>>?> ReadAsync(IStreamLog log, StreamInfo ended)
    {
        var metadata = GenerationMetadata.Read(ended.Metadata);
        var (ending, resetAt, frames) = await ReadEndingAsync(log, ended);
        if (ending is not (EventKind.Finished or EventKind.Stopped)) return null;
        if (!metadata.Stream) frames = await ReadDocumentAsync(log, ended, resetAt + 1 ?? 0);
        var response = frames;
        if (metadata.Stream)
        {
            var fold = new ResponsesFold();
            fold.TakeFrames(frames.Span);
            response = fold.Response;
        }

        IReadOnlyList<ReadOnlyMemory<byte>> items = response.IsEmpty ? [] : ConversationItems.ReadOutput(response);
        return items.Count == 0 && ending == EventKind.Stopped ? null : items;
    }

    private static async ValueTask<(EventKind Kind, long? ResetAt, ReadOnlyMemory<byte> Frames)> ReadEndingAsync(IStreamLog log, StreamInfo ended)
    {
        (EventKind Kind, long? ResetAt, ReadOnlyMemory<byte> Frames) read = (EventKind.Failed, null, default);
        using var reader = await log.OpenReaderAsync(ended.Path, Math.Max(0, ended.NextOffset - 1));
        if (reader is null) return read;
        await StoredEvents.ReadAsync(reader, ended.NextOffset, record =>
        {
            var ending = NativeEventReader.Read(EventRecord.Json(record.Data));
            read = (ending.Kind, ending.ResetAt, EventRecord.Frames(record.Data).ToArray());
        });
        return read;
    }

    private static async ValueTask<ReadOnlyMemory<byte>> ReadDocumentAsync(IStreamLog log, StreamInfo ended, long from)
    {
        var document = new ArrayBufferWriter<byte>();
        using var reader = await log.OpenReaderAsync(ended.Path, from);
        if (reader is not null) await StoredEvents.ReadAsync(reader, ended.NextOffset, record => document.Write(EventRecord.Frames(record.Data)));
        return document.WrittenMemory;
    }
}
