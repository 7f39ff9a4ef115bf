using Penstock.Protocols;
using Penstock.Streams;
using Penstock.Telemetry;

namespace Penstock.Generations;

/// <summary>A cursor on a generation's stream. While it lives the generation counts it as somebody who watches.</summary>
internal sealed class Subscription : IDisposable
{
    private readonly Generation? _generation;
    private bool _disposed;

    private readonly IDisposable? _watcher;

    /// <param name="id">The generation.</param>
    /// <param name="reader">The cursor.</param>
    /// <param name="generation">The generation, where it runs in this process.</param>
    /// <param name="watcher">Counts it as somebody who watches from this node, where it may run on another one.</param>
    public Subscription(string id, IStreamReader reader, Generation? generation, IDisposable? watcher = null)
    {
        _watcher = watcher;
        Id = id;
        Reader = reader;
        _generation = generation;
        generation?.Subscribers.Enter(this);
        PenstockMeter.Subscribers.Add(1);
    }

    // Neighbours among those who watch the same generation, guarded by its Subscribers.
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
        _generation?.Subscribers.Leave(this);
        _watcher?.Dispose();
        PenstockMeter.Subscribers.Add(-1);
    }
}
