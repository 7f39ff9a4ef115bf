using System.Text;
using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>
/// Requests kept beside their answers, for whoever needs them later: a conversation that goes on, a server that died.
/// Or for the worker that is to run it, on whatever node. Each is a stream of the client's body and, an event each, its headers
/// that go on to a provider; it is kept as long as its answer.
/// </summary>
internal sealed class StoredRequests(IStreamLog log)
{
    private const string PathPrefix = "requests/";

    // As long as a job may wait that is not to be kept for longer.
    private static readonly TimeSpan _unstored = TimeSpan.FromHours(1);

    /// <exception cref="StreamStorageException">The store cannot take it.</exception>
    public async ValueTask SaveAsync(string generationId, GenerationRequest request)
    {
        var stream = await log.CreateAsync(PathPrefix + generationId, new StreamOptions { Retention = request.Store is false ? _unstored : null });
        using var batch = new StreamBatch();
        batch.Add(request.Body.Span);
        foreach (var (name, value) in request.Headers) batch.Add(Encoding.UTF8.GetBytes($"{name}: {value}"));
        await stream.AppendAsync(batch, close: true);
    }

    /// <summary>The request of a generation as its client sent it; null where it was not kept, or is gone.</summary>
    /// <exception cref="RequestException">The body is one that this version does not take any more.</exception>
    public async ValueTask<GenerationRequest?> LoadAsync(string generationId, GenerationMetadata metadata)
    {
        if (ClientProtocols.Find(metadata.Protocol) is not { } protocol) return null;
        using var reader = await log.OpenReaderAsync(PathPrefix + generationId);
        if (reader is null) return null;
        byte[]? body = null;
        var headers = new List<KeyValuePair<string, string>>();
        do
        {
            while (reader.TryRead(out var part))
            {
                if (body is null) body = part.Data.ToArray();
                else if (Encoding.UTF8.GetString(part.Data).Split(": ", 2) is [var name, var value]) headers.Add(new(name, value));
            }
        }
        while (await reader.WaitAsync() is StreamWait.Ready);

        if (body is null) return null;
        var request = protocol.ReadStored(body, metadata.RequestedModel, metadata.Stream);
        request.Headers = headers;
        return request;
    }

    public ValueTask<bool> DeleteAsync(string generationId) => log.DeleteAsync(PathPrefix + generationId);
}
