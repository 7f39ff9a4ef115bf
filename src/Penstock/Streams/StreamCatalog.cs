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
    private readonly Action<TStream>? _tend;
    private readonly ITimer _sweeper;
    private readonly Dictionary<string, TStream> _keptForForks = new(StringComparer.Ordinal); // guards itself, and who has how many forks

    /// <param name="time">The clock that retention goes by.</param>
    /// <param name="left">Called once for each stream that was removed, when no fork needs it any more.</param>
    /// <param name="tend">Called for each stream now and then.</param>
    public StreamCatalog(TimeProvider time, Action<TStream> left, Action<TStream>? tend = null)
    {
        _time = time;
        _left = left;
        _tend = tend;
        _sweeper = time.CreateTimer(static catalog => ((StreamCatalog<TStream>)catalog!).Sweep(), this, SweepPeriod, SweepPeriod);
    }

    public ICollection<TStream> All => _streams.Values;

    /// <exception cref="StreamExistsException">The path is taken.</exception>
    /// <exception cref="StreamGoneException">The stream whose fork it is has gone.</exception>
    public void Add(TStream stream)
    {
        TryFind(stream.Path, out _); // makes way if what is there has expired
        lock (_keptForForks)
        {
            if (stream.Terms?.Source is { IsGone: true } source) throw new StreamGoneException(source.Path);
            if (_keptForForks.ContainsKey(stream.Path) || !_streams.TryAdd(stream.Path, stream)) throw new StreamExistsException(stream.Path);
            CountAsFork(stream);
        }
    }

    /// <summary>
    /// Takes in what was found at the start: all streams that there were, in the order of their creation, those that were
    /// deleted among them, for a fork may need them.
    /// </summary>
    public void Restore(IReadOnlyList<TStream> streams, Func<TStream, bool> isDeleted)
    {
        foreach (var stream in streams)
        {
            CountAsFork(stream);
            if (isDeleted(stream)) continue;
            // A path is taken twice only if damage swallowed the end of the earlier stream.
            if (TryFind(stream.Path, out var earlier)) Remove(earlier);
            _streams[stream.Path] = stream;
        }

        for (var i = streams.Count - 1; i >= 0; i--)
        {
            if (!isDeleted(streams[i])) continue;
            bool isLetGo;
            lock (_keptForForks) isLetGo = Leave(streams[i]);
            if (isLetGo) LetGo(streams[i]);
        }

        Sweep();
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
        bool isLetGo;
        lock (_keptForForks)
        {
            if (!_streams.TryRemove(KeyValuePair.Create(stream.Path, stream))) return false;
            isLetGo = Leave(stream);
        }

        stream.WakeReaders();
        if (isLetGo) LetGo(stream);
        return true;
    }

    /// <summary>The stream at a path that has gone but for its forks.</summary>
    public TStream? FindKeptForForks(string path)
    {
        lock (_keptForForks) return _keptForForks.GetValueOrDefault(path);
    }

    /// <summary>Takes out a stream that never came to be.</summary>
    public void Withdraw(TStream stream)
    {
        _streams.TryRemove(KeyValuePair.Create(stream.Path, stream));
        LeaveSource(stream);
    }

    public void Sweep()
    {
        foreach (var (_, stream) in _streams)
        {
            if (IsOver(stream)) Remove(stream);
            else _tend?.Invoke(stream);
        }
    }

    /// <summary>Under the lock: nobody forks it or reads it from here on. False when forks still need it.</summary>
    private bool Leave(TStream stream)
    {
        stream.Leave();
        if (stream.Terms is not { Forks: > 0 }) return true;
        _keptForForks[stream.Path] = stream;
        return false;
    }

    private void LetGo(TStream stream)
    {
        _left(stream);
        LeaveSource(stream);
    }

    private static void CountAsFork(TStream stream)
    {
        if (stream.Terms?.Source?.Terms is { } source) source.Forks++;
    }

    /// <summary>One fork less of the stream's source, which may have waited for that.</summary>
    private void LeaveSource(TStream stream)
    {
        if (stream.Terms?.Source is not TStream source) return;
        lock (_keptForForks)
        {
            if (--source.Terms!.Forks > 0 || !_keptForForks.Remove(source.Path)) return;
        }

        LetGo(source);
    }

    public void Dispose() => _sweeper.Dispose();

    private bool IsOver(TStream stream)
    {
        var now = _time.GetUtcNow();
        if (stream.ExpiresAt is not { } end || end > now) return false;
        if (stream.Terms is not { TimeToLive: not null } terms || !stream.IsWatched) return true;
        terms.Use(now); // whoever waits for more is using it
        return terms.ExpiresAt <= now;
    }
}
