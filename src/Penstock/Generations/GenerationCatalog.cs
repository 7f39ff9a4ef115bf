using Microsoft.Extensions.Logging;
using Penstock.Jobs;
using Penstock.Protocols;
using Penstock.Protocols.Native;
using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>Finds generations, whether they run here, elsewhere or not any more: their streams, what is in them, and whose they are.</summary>
internal sealed class GenerationCatalog(
    IStreamLog log, IJobQueue queue, GenerationWorker worker, Watchers watchers, GenerationOptions options, ILogger<GenerationCatalog> logger)
{
    // By how much a stream may seem older than one that was created before it, at another node.
    private static readonly TimeSpan _clocksDiffer = TimeSpan.FromSeconds(10);

    private readonly WatcherList _watching = new(log, worker, watchers);

    /// <summary>Opens a cursor, or null when there is no such generation.</summary>
    /// <param name="id">The generation.</param>
    /// <param name="offset">The first event to read.</param>
    public async ValueTask<Subscription?> SubscribeAsync(string id, long offset)
    {
        // Found before the reader is opened: a generation that ends in between has its ending in the stream.
        var generation = worker.Find(id);
        var policy = await PolicyElsewhereAsync(id, generation);
        if (await log.OpenReaderAsync(GenerationPath.Of(id), offset) is not { } reader) return null;
        return policy is { } leaving ? new Subscription(id, reader, generation, watchers, leaving) : new Subscription(id, reader, generation);
    }

    /// <summary>What it means that all have left here whom this node counts, since the generation may run at another; null where it does not.</summary>
    private async ValueTask<DisconnectPolicy?> PolicyElsewhereAsync(string id, Generation? generation)
    {
        if (!queue.SpansNodes) return generation is null && log.SpansNodes ? DisconnectPolicy.Detach : null;
        return await log.GetAsync(GenerationPath.Of(id)) is { Closed: false } info ? GenerationMetadata.TryRead(info.Metadata)?.OnDisconnect : null;
    }

    /// <summary>The stream and metadata of a generation that waits for a worker; null for one that does not.</summary>
    public async ValueTask<(StreamInfo Info, GenerationMetadata Metadata)?> FindQueuedAsync(string id) =>
        queue.SpansNodes && await log.GetAsync(GenerationPath.Of(id)) is { Closed: false } info && GenerationMetadata.TryRead(info.Metadata) is { } metadata
            && GenerationSnapshot.OpenStatus(info, metadata) == GenerationSnapshot.Queued
            ? (info, metadata)
            : null;

    /// <summary>The first event that counts: the one after the last <c>reset</c>, or 0.</summary>
    public ValueTask<long> FirstValidAsync(string id) =>
        worker.Find(id) is { } generation ? ValueTask.FromResult(generation.ResetAt + 1 ?? 0) : ReadFirstValidAsync(id);

    // The ending says it; while there is none on another node, only the events do.
    private async ValueTask<long> ReadFirstValidAsync(string id)
    {
        if (await log.GetAsync(GenerationPath.Of(id)) is not { } info) return 0;
        if (!info.Closed && (!queue.SpansNodes || options.OnCrash != CrashPolicy.Restart || info.Epoch <= 2)) return 0;
        using var reader = await log.OpenReaderAsync(info.Path, info.Closed ? Math.Max(0, info.NextOffset - 1) : 0);
        if (reader is null) return 0;
        long? resetAt = null;
        await StoredEvents.ReadAsync(reader, info.NextOffset, record =>
        {
            var stored = NativeEventReader.Read(EventRecord.Json(record.Data));
            resetAt = stored.Kind == EventKind.Reset ? record.Offset : stored.ResetAt ?? resetAt;
        });
        return resetAt + 1 ?? 0;
    }

    /// <summary>Opens a reader that does not count as somebody who watches, or null when there is no such generation.</summary>
    public ValueTask<IStreamReader?> OpenReaderAsync(string id, long offset = 0) => log.OpenReaderAsync(GenerationPath.Of(id), offset);

    /// <summary>A generation's stream, or null when the owner has no such generation. Whoever has it may go on with its id.</summary>
    public async ValueTask<StreamInfo?> GetInfoAsync(string id, Owner owner)
    {
        var info = await log.GetAsync(GenerationPath.Of(id));
        return owner.Sees(info) ? info : null;
    }

    /// <summary>What is known of a generation so far, or null when the owner has no such generation.</summary>
    /// <param name="id">The generation.</param>
    /// <param name="owner">Who asks.</param>
    /// <param name="withWatchers">Whether to ask all nodes who watches it.</param>
    public async ValueTask<GenerationSnapshot?> GetSnapshotAsync(string id, Owner owner, bool withWatchers = false)
    {
        if (await GetInfoAsync(id, owner) is not { } info) return null;
        return await GetSnapshotAsync(info, owner, withWatchers ? await FindWatchersAsync([info]) : null);
    }

    // With what is for the eyes of who may stop it, and not of who only reads.
    private async ValueTask<GenerationSnapshot?> GetSnapshotAsync(StreamInfo info, Owner owner, IReadOnlyDictionary<string, List<long>>? watching)
    {
        if (await GetSnapshotAsync(info, info.NextOffset) is not { } snapshot) return null;
        snapshot.Watchers = watching?.GetValueOrDefault(snapshot.Id);
        if (owner.SeesAll) snapshot.Owner = GenerationMetadata.TryRead(info.Metadata)?.Owner;
        return snapshot;
    }

    private ValueTask<IReadOnlyDictionary<string, List<long>>> FindWatchersAsync(IEnumerable<StreamInfo> infos) =>
        _watching.FindAsync([.. infos.Where(info => !info.Closed).Select(info => GenerationPath.IdOf(info.Path))]);

    /// <summary>What the events before <paramref name="end"/> say, which are stored; null when the generation is gone.</summary>
    public async ValueTask<GenerationSnapshot?> GetSnapshotAsync(StreamInfo info, long end)
    {
        using var reader = await log.OpenReaderAsync(info.Path);
        return reader is null ? null : await GenerationSnapshot.ReadAsync(GenerationPath.IdOf(info.Path), info, end, reader);
    }

    /// <summary>The owner's generations, newest first; all, or those of one status.</summary>
    /// <param name="status">Null for all.</param>
    /// <param name="owner">Who asks.</param>
    public IAsyncEnumerable<GenerationSnapshot> ListAsync(string? status, Owner owner) => ListAsync(status, owner, page: 1, withWatchers: false);

    /// <summary>As <see cref="ListAsync(string?, Owner)"/>, and who watches them: all nodes are asked once for each page.</summary>
    public IAsyncEnumerable<GenerationSnapshot> ListWithWatchersAsync(string? status, Owner owner, int page) => ListAsync(status, owner, page, withWatchers: true);

    private async IAsyncEnumerable<GenerationSnapshot> ListAsync(string? status, Owner owner, int page, bool withWatchers)
    {
        await foreach (var infos in FindAsync(status, owner).Chunk(page))
        {
            var watching = withWatchers ? await FindWatchersAsync(infos) : null;
            foreach (var info in infos)
            {
                if (await UnlessUnreadableAsync(info, () => GetSnapshotAsync(info, owner, watching)) is { } snapshot) yield return snapshot;
            }
        }
    }

    private async IAsyncEnumerable<StreamInfo> FindAsync(string? status, Owner owner)
    {
        await foreach (var info in log.ListAsync(GenerationPath.Prefix))
        {
            if (owner.Sees(info) && (status is null || await UnlessUnreadableAsync(info, () => StatusAsync(info)) == status)) yield return info;
        }
    }

    private async ValueTask<T?> UnlessUnreadableAsync<T>(StreamInfo info, Func<ValueTask<T?>> read)
        where T : class
    {
        try
        {
            return await read();
        }
        catch (Exception e) when (e is not ObjectDisposedException)
        {
            GenerationLog.Unreadable(logger, GenerationPath.IdOf(info.Path)); // whoever asks for this one alone is told
            return null;
        }
    }

    /// <summary>What the owner's generations used that began in a span of time and have ended, newest first.</summary>
    public async IAsyncEnumerable<UsageLine> ListUsageAsync(DateTimeOffset since, DateTimeOffset until, Owner owner)
    {
        await foreach (var info in log.ListAsync(GenerationPath.Prefix))
        {
            if (since - info.CreatedAt > _clocksDiffer) yield break; // and the rest are older still
            if (!info.Closed || info.CreatedAt < since || info.CreatedAt >= until || !owner.Sees(info)) continue;
            var line = await UnlessUnreadableAsync(info, () => UsageLine.ReadAsync(log, GenerationPath.IdOf(info.Path), info));
            if (line is not null) yield return line;
        }
    }

    /// <summary>Whether a generation still has its key: not when it is gone, or came to nothing.</summary>
    public async ValueTask<bool> StandsAsync(string id) => await log.GetAsync(GenerationPath.Of(id)) is { } info && !(info.Closed && await IsSilentAsync(info));

    /// <summary>As <see cref="StandsAsync"/>, of what must not be done twice: a generation that was deleted has done it.</summary>
    public async ValueTask<bool> StoodAsync(string id) => await log.GetAsync(GenerationPath.Of(id)) is not { } info || !(info.Closed && await IsSilentAsync(info));

    /// <summary>Whether an ended generation came to its proper end.</summary>
    public async ValueTask<bool> IsFinishedAsync(StreamInfo ended)
    {
        try
        {
            return await StatusAsync(ended) == "finished";
        }
        catch (StreamCorruptException)
        {
            return false;
        }
    }

    // The last event tells, which spares folding all that a filter leaves out.
    private async ValueTask<string?> StatusAsync(StreamInfo info)
    {
        if (!info.Closed) return GenerationSnapshot.OpenStatus(info, GenerationMetadata.TryRead(info.Metadata));
        using var reader = await log.OpenReaderAsync(info.Path, Math.Max(0, info.NextOffset - 1));
        return reader is null ? null : await GenerationSnapshot.ReadStatusAsync(reader);
    }

    /// <summary>Whether a generation ended, after however many attempts, before any provider said something: then its key is free.</summary>
    private async ValueTask<bool> IsSilentAsync(StreamInfo ended)
    {
        try
        {
            using var reader = await log.OpenReaderAsync(ended.Path);
            while (reader is not null)
            {
                while (reader.TryRead(out var record))
                {
                    var kind = NativeEventReader.Read(EventRecord.Json(record.Data)).Kind;
                    if (kind is not (EventKind.Attempt or EventKind.Summary)) return kind is EventKind.Failed or EventKind.Interrupted;
                }

                if (await reader.WaitAsync() is not StreamWait.Ready) return false;
            }

            return false;
        }
        catch (Exception e) when (e is not ObjectDisposedException)
        {
            return false; // it cannot be read, which whoever asks for it is told
        }
    }
}
