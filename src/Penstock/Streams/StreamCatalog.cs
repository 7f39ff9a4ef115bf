using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Penstock.Streams;

/// <summary>
/// The streams of one store by their paths. Those whose retention has ended leave on access, and in a sweep; in a sweep, too, those
/// that may be kept smaller come to rest, until they are looked for.
/// </summary>
internal sealed class StreamCatalog<TStream> : IDisposable
    where TStream : StreamState
{
    private static readonly TimeSpan SweepPeriod = TimeSpan.FromSeconds(30);

    // At a time, of a list.
    private const int FewestFound = 1024;
    private const int MostFound = 1 << 20;

    private readonly ConcurrentDictionary<StreamKey, StreamEntry> _streams = new();
    private readonly StreamKey.Maker _keys = new();
    private readonly TimeProvider _time;
    private readonly Action<TStream> _left;
    private readonly Action<TStream>? _tend;
    private readonly Func<TStream, RestingEntry<TStream>?>? _rest;
    private readonly ITimer _sweeper;
    private readonly Dictionary<string, TStream> _keptForForks = new(StringComparer.Ordinal); // guards itself, and who has how many forks

    /// <param name="time">The clock that retention goes by.</param>
    /// <param name="left">Called once for each stream that was removed, when no fork needs it any more.</param>
    /// <param name="tend">Called for each stream now and then.</param>
    /// <param name="rest">Asked for each stream now and then: what it may be kept as while nobody uses it; null for what it is.</param>
    public StreamCatalog(TimeProvider time, Action<TStream> left, Action<TStream>? tend = null, Func<TStream, RestingEntry<TStream>?>? rest = null)
    {
        _time = time;
        _left = left;
        _tend = tend;
        _rest = rest;
        _sweeper = time.CreateTimer(static catalog => ((StreamCatalog<TStream>)catalog!).Sweep(), this, SweepPeriod, SweepPeriod);
    }

    public int Count => _streams.Count;

    /// <summary>Those that do not rest.</summary>
    public IEnumerable<TStream> All => _streams.Select(s => s.Value).OfType<TStream>();

    public IEnumerable<(StreamKey Path, RestingEntry<TStream> Stream)> Resting => _streams.Where(s => s.Value is RestingEntry<TStream>).Select(s => (s.Key, (RestingEntry<TStream>)s.Value));

    /// <exception cref="StreamExistsException">The path is taken.</exception>
    /// <exception cref="StreamGoneException">The stream whose fork it is has gone.</exception>
    public void Add(TStream stream)
    {
        var key = _keys.New(stream.Path);
        TryFind(stream.Path, key, out _); // makes way if what is there has expired
        lock (_keptForForks)
        {
            if (stream.Terms?.Source is { IsGone: true } source) throw new StreamGoneException(source.Path);
            if (_keptForForks.ContainsKey(stream.Path) || !_streams.TryAdd(key, stream)) throw new StreamExistsException(stream.Path);
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
            _streams[_keys.New(stream.Path)] = stream;
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

    public bool TryFind(string path, [NotNullWhen(true)] out TStream? stream) => TryFind(path, _keys.Find(path), out stream);

    private bool TryFind(string path, StreamKey key, [NotNullWhen(true)] out TStream? stream)
    {
        while (_streams.TryGetValue(key, out var entry))
        {
            stream = entry as TStream;
            if (stream is null)
            {
                stream = ((RestingEntry<TStream>)entry).Wake(path);
                if (!_streams.TryUpdate(key, stream, entry)) continue; // somebody else has woken it
            }

            if (!IsOver(stream)) return true;
            Remove(stream);
            break;
        }

        stream = null;
        return false;
    }

    /// <summary>Newest first. What rests is only shown as it was.</summary>
    public IEnumerable<TStream> Find(string prefix)
    {
        var before = long.MaxValue;
        for (var most = FewestFound; ; most = Math.Min(8 * most, MostFound))
        {
            var found = FindNewest(prefix, before, most);
            for (var i = found.Count - 1; i >= 0; i--) yield return found[i].Stream as TStream ?? ((RestingEntry<TStream>)found[i].Stream).Wake(found[i].Path.ToString());
            if (found.Count < most) yield break;
            before = found[0].Stream.Number;
        }
    }

    // Whoever lists streams mostly wants the newest of very many: to put all in order took longer than reading those, and made the collector go through all memory.
    private List<(StreamKey Path, StreamEntry Stream)> FindNewest(string prefix, long before, int most)
    {
        var newest = new PriorityQueue<(StreamKey Path, StreamEntry Stream), long>();
        foreach (var (path, stream) in _streams)
        {
            var number = stream.Number;
            if (number >= before || (newest.Count == most && number < newest.Peek().Stream.Number) || !path.StartsWith(prefix) || IsOver(stream)) continue;
            newest.Enqueue((path, stream), number);
            if (newest.Count > most) newest.Dequeue();
        }

        var found = new List<(StreamKey Path, StreamEntry Stream)>(newest.Count);
        while (newest.TryDequeue(out var oldest, out _)) found.Add(oldest);
        return found;
    }

    /// <summary>Takes the stream out and ends its readers.</summary>
    /// <returns>False when it was out before.</returns>
    public bool Remove(TStream stream)
    {
        bool isLetGo;
        lock (_keptForForks)
        {
            if (!_streams.TryRemove(KeyOf(stream))) return false;
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
        _streams.TryRemove(KeyOf(stream));
        LeaveSource(stream);
    }

    public void Sweep()
    {
        foreach (var (key, entry) in _streams)
        {
            if (IsOver(entry))
            {
                TryFind(key.ToString(), out _);
            }
            else if (entry is TStream stream)
            {
                _tend?.Invoke(stream);
                if (_rest?.Invoke(stream) is { } resting) _streams.TryUpdate(key, resting, stream);
            }
        }
    }

    private KeyValuePair<StreamKey, StreamEntry> KeyOf(TStream stream) => KeyValuePair.Create<StreamKey, StreamEntry>(_keys.Find(stream.Path), stream);

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

    private bool IsOver(StreamEntry entry)
    {
        if (entry.ExpiresAt is not { } end) return false; // before the clock is read, for most have none
        var now = _time.GetUtcNow();
        if (end > now) return false;
        if (entry is not TStream { IsWatched: true, Terms: { TimeToLive: not null } terms }) return true;
        terms.Use(now); // whoever waits for more is using it
        return terms.ExpiresAt <= now;
    }
}
