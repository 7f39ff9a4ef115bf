using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>
/// Requests kept beside their answers, for whoever needs them later: a conversation that goes on, a server that died.
/// Each is a stream of one event, the client's body, and is kept as long as its answer.
/// </summary>
internal sealed class StoredRequests(IStreamLog log)
{
    private const string PathPrefix = "requests/";

    /// <exception cref="StreamStorageException">The store cannot take it.</exception>
    public async ValueTask SaveAsync(string generationId, GenerationRequest request)
    {
        var stream = await log.CreateAsync(PathPrefix + generationId, new StreamOptions());
        using var batch = new StreamBatch();
        batch.Add(request.Body.Span);
        await stream.AppendAsync(batch, close: true);
    }

    /// <summary>The request of a generation as its client sent it; null where it was not kept, or is gone.</summary>
    /// <exception cref="RequestException">The body is one that this version does not take any more.</exception>
    public async ValueTask<GenerationRequest?> LoadAsync(string generationId, GenerationMetadata metadata)
    {
        if (ClientProtocols.Find(metadata.Protocol) is not { } protocol) return null;
        using var reader = await log.OpenReaderAsync(PathPrefix + generationId);
        if (reader is null) return null;
        do
        {
            if (reader.TryRead(out var body)) return protocol.ReadStored(body.Data.ToArray(), metadata.RequestedModel, metadata.Stream);
        }
        while (await reader.WaitAsync() is StreamWait.Ready);

        return null;
    }

    public ValueTask<bool> DeleteAsync(string generationId) => log.DeleteAsync(PathPrefix + generationId);
}
