using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>
/// Requests kept beside their answers, for whoever needs them later: a conversation that goes on, a server that died. Each is a
/// stream whose last event is the client's body, and is kept as long as its answer. Of a conversation that goes on, the stream is a
/// fork of the one before: what was said up to there stands in the log once, however long the conversation, and for as long as
/// anything goes on from it.
/// </summary>
internal sealed class StoredRequests(IStreamLog log, TimeSpan retention, TimeProvider time)
{
    private const string PathPrefix = "requests/";

    // A chain of forks is walked event by event; from here on a conversation is kept whole again, as a new beginning.
    private const int MaxForked = 100;

    /// <exception cref="StreamStorageException">The store cannot take it.</exception>
    public async ValueTask SaveAsync(string generationId, GenerationRequest request)
    {
        using var batch = new StreamBatch();
        if (request.Continues is { } before && await log.GetAsync(PathPrefix + before.GenerationId) is { Shared: true, NextOffset: < MaxForked } source)
        {
            batch.Add(before.Output.Span);
            batch.Add(before.Body.Span);
            try
            {
                await CreateAsync(generationId, new StreamFork(source.Path, source.NextOffset), batch);
                return;
            }
            catch (StreamGoneException)
            {
                batch.Clear(); // meanwhile: the request has the conversation too
            }
        }

        batch.Add(request.Body.Span);
        await CreateAsync(generationId, fork: null, batch);
    }

    /// <summary>The request of a generation as its client sent it, with the conversation before it; null where it was not kept, or is gone.</summary>
    /// <exception cref="RequestException">The body is one that this version does not take any more.</exception>
    public async ValueTask<GenerationRequest?> LoadAsync(string generationId, GenerationMetadata metadata)
    {
        if (ClientProtocols.Find(metadata.Protocol) is not { } protocol) return null;
        if (await log.GetAsync(PathPrefix + generationId) is not { KeptForForks: false } info) return null;
        using var reader = await log.OpenReaderAsync(info.Path);
        if (reader is null) return null;
        var pieces = new List<ReadOnlyMemory<byte>>();
        await StoredEvents.ReadAsync(reader, info.NextOffset, record => pieces.Add(record.Data.ToArray()));
        if (pieces.Count == 0 || pieces.Count < info.NextOffset) return null;
        var body = pieces[^1];
        if (pieces.Count > 1) body = protocol.Join(body, pieces[..^1]);
        return protocol.ReadStored(body, metadata.RequestedModel, metadata.Stream);
    }

    public ValueTask<bool> DeleteAsync(string generationId) => log.DeleteAsync(PathPrefix + generationId);

    private async ValueTask CreateAsync(string generationId, StreamFork? fork, StreamBatch batch)
    {
        var now = time.GetUtcNow();
        var options = new SharedStreamOptions
        {
            Fork = fork,
            Closed = true,
            KeepWhole = true,
            ExpiresAt = retention < DateTimeOffset.MaxValue - now ? now + retention : null,
        };
        await log.CreateSharedAsync(PathPrefix + generationId, options, batch);
    }
}
