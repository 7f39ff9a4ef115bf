using Penstock.Protocols;
using Penstock.Streams;
using Penstock.Telemetry;

namespace Penstock.Generations;

/// <summary>A cursor on a generation's stream. While it lives the generation counts it as somebody who watches.</summary>
internal sealed class Subscription : IDisposable
{
    private readonly Generation? _generation;
    private readonly Watchers? _watchers;
    private bool _disposed;

    /// <param name="id">The generation.</param>
    /// <param name="reader">The cursor.</param>
    /// <param name="generation">The generation, where it runs in this process.</param>
    public Subscription(string id, IStreamReader reader, Generation? generation)
    {
        Id = id;
        Reader = reader;
        _generation = generation;
        generation?.Subscribers.Enter(this);
        PenstockMeter.Subscribers.Add(1);
    }

    /// <summary>A cursor on a stream that may be written at another node.</summary>
    /// <param name="id">The generation.</param>
    /// <param name="reader">The cursor.</param>
    /// <param name="generation">The generation, where it runs in this process after all.</param>
    /// <param name="watchers">Those of this node, among whom it counts.</param>
    /// <param name="policy">What its leaving means, if it is the last.</param>
    public Subscription(string id, IStreamReader reader, Generation? generation, Watchers watchers, DisconnectPolicy policy)
    {
        Id = id;
        Reader = reader;
        _generation = generation;
        _watchers = watchers;
        watchers.Enter(this, policy);
        PenstockMeter.Subscribers.Add(1);
    }

    // Neighbours among those who watch the same generation, guarded by their Subscribers.
    internal Subscription? Next;
    internal Subscription? Previous;

    public string Id { get; }

    public IStreamReader Reader { get; }

    /// <summary>Whoever reads asked for an answer and is shown one that was there: its usage is not theirs.</summary>
    public bool IsFromCache { get; set; }

    /// <summary>They want to be shown it as it was given first.</summary>
    public bool IsPaced { get; set; }

    /// <summary>Set when the generation ended and its store could not take the ending.</summary>
    public GenerationError? Lost => _generation?.Lost;

    /// <summary>Completes when the generation has ended, stored or not.</summary>
    public Task Completion => _generation?.Completion ?? Task.CompletedTask;

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        Reader.Dispose();
        if (_watchers is not null) _watchers.Leave(this);
        else _generation?.Subscribers.Leave(this);
        PenstockMeter.Subscribers.Add(-1);
    }
}
