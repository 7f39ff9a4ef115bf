using System.Text;
using Penstock.Generations.Conversations;
using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>
/// Requests kept beside their answers, for whoever needs them later: a conversation that goes on, a server that died, or the
/// worker that is to run it, on whatever node. Each is a stream whose last event is the client's body, labelled with the headers
/// that go on to a provider, and is kept as long as its answer. Of a conversation that goes on, the stream is a
/// fork of the one before: what was said up to there stands in the log once, however long the conversation, and for as long as
/// anything goes on from it.
/// </summary>
internal sealed class StoredRequests(IStreamLog log, TimeSpan retention, TimeProvider time)
{
    private const string PathPrefix = "requests/";

    // A chain of forks is walked event by event; from here on a conversation is kept whole again, as a new beginning.
    private const int MaxForked = 100;

    // As long as a job may wait that is not to be kept for longer.
    private static readonly TimeSpan _unstored = TimeSpan.FromHours(1);

    /// <exception cref="StreamStorageException">The store cannot take it.</exception>
    /// <exception cref="RequestException">The conversation that it is a turn of is gone.</exception>
    public async ValueTask SaveAsync(string generationId, GenerationRequest request)
    {
        using var batch = new StreamBatch();
        if (request.Conversation is { } turn)
        {
            // The conversation is one log: however long it is, this is one fork of it.
            batch.Add(turn.Body.Span);
            try
            {
                await CreateAsync(generationId, request, new StreamFork(ConversationId.PathOf(turn.Id), turn.Offset), batch);
                return;
            }
            catch (StreamGoneException)
            {
                throw ConversationStore.NotFound(turn.Id, "conversation");
            }
        }

        if (request.Continues is { } before && await log.GetAsync(PathPrefix + before.GenerationId) is { Shared: true, NextOffset: < MaxForked } source)
        {
            batch.Add(before.Output.Span);
            batch.Add(before.Body.Span);
            try
            {
                await CreateAsync(generationId, request, new StreamFork(source.Path, source.NextOffset), batch);
                return;
            }
            catch (StreamGoneException)
            {
                batch.Clear(); // meanwhile: the request has the conversation too
            }
        }

        batch.Add(request.Body.Span);
        await CreateAsync(generationId, request, fork: null, batch);
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
        var request = protocol.ReadStored(body, metadata.RequestedModel, metadata.Stream) with { Budget = metadata.Budget };
        request.Headers = ReadHeaders(info.Metadata.Span);
        return request;
    }

    public ValueTask<bool> DeleteAsync(string generationId) => log.DeleteAsync(PathPrefix + generationId);

    private async ValueTask CreateAsync(string generationId, GenerationRequest request, StreamFork? fork, StreamBatch batch)
    {
        var now = time.GetUtcNow();
        var keep = request.Store is false ? _unstored : retention;
        var options = new SharedStreamOptions
        {
            Metadata = WriteHeaders(request.Headers),
            Fork = fork,
            Closed = true,
            KeepWhole = true,
            ExpiresAt = keep < DateTimeOffset.MaxValue - now ? now + keep : null,
        };
        await log.CreateSharedAsync(PathPrefix + generationId, options, batch);
    }

    // As on the wire, where a header's value has no line break.
    private static byte[] WriteHeaders(IReadOnlyList<KeyValuePair<string, string>> headers) =>
        headers.Count == 0 ? [] : Encoding.UTF8.GetBytes(string.Join('\n', headers.Select(h => $"{h.Key}: {h.Value}")));

    private static List<KeyValuePair<string, string>> ReadHeaders(ReadOnlySpan<byte> bytes)
    {
        var headers = new List<KeyValuePair<string, string>>();
        foreach (var line in Encoding.UTF8.GetString(bytes).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Split(": ", 2) is [var name, var value]) headers.Add(new(name, value));
        }

        return headers;
    }
}
