using Penstock.Client.Events;

namespace Penstock.Client;

/// <summary>
/// A generation, and a place in it. Each loop over it is a reader of its own that begins at that place and goes on by itself
/// after whatever breaks its connection. To leave a loop leaves the generation running.
/// </summary>
public sealed class PenstockRun : IAsyncEnumerable<PenstockEvent>
{
    private readonly PenstockClient _client;
    private readonly long _after;

    internal PenstockRun(PenstockClient client, string id, long after)
    {
        (_client, _after) = (client, after);
        Id = id;
    }

    /// <summary>The generation's id: whoever has it may attach.</summary>
    public string Id { get; }

    /// <summary>The generation as it was when it was started; null for one that was attached to.</summary>
    public GenerationSnapshot? Begun { get; internal init; }

    /// <summary>Its events from the run's place on, each once and in order, to the ending.</summary>
    /// <exception cref="PenstockException">It cannot be read: a retry does not help, or has not for too long.</exception>
    public IAsyncEnumerator<PenstockEvent> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
        ReadAsync(_after, cancellationToken).GetAsyncEnumerator(cancellationToken);

    /// <summary>Waits for the ending, and gives the whole answer.</summary>
    public async Task<GenerationSnapshot> WaitAsync(CancellationToken cancellationToken = default)
    {
        var snapshot = await GetAsync(cancellationToken);
        if (snapshot.HasEnded) return snapshot;
        await foreach (var _ in ReadAsync(snapshot.Offset, cancellationToken))
        {
            // Only its end counts.
        }

        return await GetAsync(cancellationToken);
    }

    /// <summary>What there is of it by now.</summary>
    public Task<GenerationSnapshot> GetAsync(CancellationToken cancellationToken = default) => _client.GetAsync(Id, cancellationToken);

    /// <summary>Ends it on the server, for all who watch it. One that has ended stays as it is.</summary>
    public Task<GenerationSnapshot> StopAsync(CancellationToken cancellationToken = default) => _client.StopAsync(Id, cancellationToken);

    internal IAsyncEnumerable<PenstockEvent> ReadAsync(long after, CancellationToken cancellationToken) =>
        ResumingReader.ReadAsync(_client.Server, Id, after, cancellationToken);

    internal Task StopOnceAsync(CancellationToken cancellationToken) => _client.StopAsync(Id, tries: 1, cancellationToken);
}
