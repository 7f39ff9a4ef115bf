using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Penstock.Streams;

/// <summary>The streams of one store by their paths. Those whose retention has ended leave on access, and in a sweep.</summary>
internal sealed class StreamCatalog<TStream> : IDisposable
    where TStream : StreamState
{
    private static readonly TimeSpan SweepPeriod = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, TStream> _streams = new(StringComparer.Ordinal);
    private readonly TimeProvider _time;
    private readonly Action<TStream> _left;
    private readonly ITimer _sweeper;

    /// <param name="time">The clock that retention goes by.</param>
    /// <param name="left">Called once for each stream that was removed.</param>
    public StreamCatalog(TimeProvider time, Action<TStream> left)
    {
        _time = time;
        _left = left;
        _sweeper = time.CreateTimer(static catalog => ((StreamCatalog<TStream>)catalog!).Sweep(), this, SweepPeriod, SweepPeriod);
    }

    public ICollection<TStream> All => _streams.Values;

    /// <exception cref="StreamExistsException">The path is taken.</exception>
    public void Add(TStream stream)
    {
        TryFind(stream.Path, out _); // makes way if what is there has expired
        if (!_streams.TryAdd(stream.Path, stream)) throw new StreamExistsException(stream.Path);
    }

    public bool TryFind(string path, [NotNullWhen(true)] out TStream? stream)
    {
        if (!_streams.TryGetValue(path, out stream)) return false;
        if (!IsOver(stream)) return true;
        Remove(stream);
        stream = null;
        return false;
    }

    /// <summary>Newest first.</summary>
    public List<TStream> Find(string prefix)
    {
        var found = new List<TStream>();
        foreach (var (path, stream) in _streams)
        {
            if (path.StartsWith(prefix, StringComparison.Ordinal) && !IsOver(stream)) found.Add(stream);
        }

        found.Sort(static (a, b) => b.Number.CompareTo(a.Number));
        return found;
    }

    /// <summary>Takes the stream out and ends its readers.</summary>
    /// <returns>False when it was out before.</returns>
    public bool Remove(TStream stream)
    {
        if (!_streams.TryRemove(KeyValuePair.Create(stream.Path, stream))) return false;
        stream.Leave();
        _left(stream);
        return true;
    }

    /// <summary>Takes out a stream that never came to be.</summary>
    public void Withdraw(TStream stream) => _streams.TryRemove(KeyValuePair.Create(stream.Path, stream));

    public void Sweep()
    {
        foreach (var (_, stream) in _streams)
        {
            if (IsOver(stream)) Remove(stream);
        }
    }

    public void Dispose() => _sweeper.Dispose();

    private bool IsOver(TStream stream) => stream.ExpiresAt <= _time.GetUtcNow();
}
