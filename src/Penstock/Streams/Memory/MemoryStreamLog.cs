using System.Runtime.CompilerServices;

namespace Penstock.Streams.Memory;

/// <summary>Streams in this process's memory: they live as long as it does. Bounded: the streams closed longest ago make room for new events.</summary>
internal sealed class MemoryStreamLog : IStreamLog
{
    /// <summary>What an empty stream is charged with.</summary>
    private const int StreamCost = 512;

    /// <summary>What an event is charged with beside its bytes.</summary>
    private const int EventCost = sizeof(int);

    private readonly StreamStoreOptions _options;
    private readonly TimeProvider _time;
    private readonly StreamCatalog<MemoryLogStream> _streams;
    private readonly StreamBatch _none = new();
    private readonly LinkedList<MemoryLogStream> _closed = new(); // the one closed first is in front; guards itself
    private long _lastNumber;
    private long _held;
    private volatile bool _isDisposed;

    public MemoryStreamLog(StreamStoreOptions options, TimeProvider time)
    {
        _options = options;
        _time = time;
        _streams = new(time, Release, tend: Trim);
    }

    public ValueTask<IStreamWriter> CreateAsync(string path, StreamOptions options, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        var stream = new MemoryLogStream(
            path, Interlocked.Increment(ref _lastNumber), _time.GetUtcNow(), options.Retention ?? _options.Retention, options.Metadata.ToArray());
        if (_streams.TryFind(path, out _)) throw new StreamExistsException(path);
        Charge(Cost(stream));
        Add(stream);
        return new(new MemoryStreamWriter(this, stream, stream.Epoch));
    }

    public ValueTask<StreamInfo> CreateSharedAsync(
        string path, SharedStreamOptions options, StreamBatch? events = null, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        MemoryLogStream? source = null;
        if (options.Fork is { } fork && (!_streams.TryFind(fork.Source, out source) || source.Terms is null || fork.Offset > source.NextOffset))
            throw new StreamGoneException(fork.Source);
        var now = _time.GetUtcNow();
        var metadata = options.Metadata.ToArray();
        var terms = new StreamTerms(metadata, options.TimeToLive, options.ExpiresAt, source, options.Fork?.Offset ?? 0, now, options.KeepWhole);
        var stream = new MemoryLogStream(path, Interlocked.Increment(ref _lastNumber), now, TimeSpan.MaxValue, metadata, terms);
        if (_streams.TryFind(path, out _)) throw new StreamExistsException(path);
        var cost = Cost(stream) + (events is null ? 0 : Cost(events));
        Charge(cost);
        try
        {
            if (events is not null || options.Closed) stream.Append(events ?? _none, new StreamAppend { Close = options.Closed }, now, _options.MaxStreamBytes);
        }
        catch (StreamStorageException)
        {
            Interlocked.Add(ref _held, -cost);
            throw;
        }

        Add(stream);
        if (options.Closed) NoteClosed(stream);
        return new(stream.Describe(metadata));
    }

    public ValueTask<AppendResult> AppendAsync(string path, StreamBatch batch, StreamAppend append = default, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        StreamLimit.CheckNotIdle(batch, append.Close);
        if (!_streams.TryFind(path, out var stream) || stream.Terms is not { } terms) return new(new AppendResult(AppendStatus.NotFound));
        var now = _time.GetUtcNow();
        terms.Use(now);
        var cost = Cost(batch);
        TakeRoom(batch, append.Close, cost);
        AppendResult result;
        try
        {
            result = stream.Append(batch, append, now, _options.MaxStreamBytes);
        }
        catch (StreamStorageException)
        {
            Interlocked.Add(ref _held, -cost);
            throw;
        }

        if (result.Status != AppendStatus.Appended)
        {
            Interlocked.Add(ref _held, -cost);
            return new(result);
        }

        if (append.Close) NoteClosed(stream);
        stream.WakeReaders();
        Trim(stream);
        return new(result);
    }

    public ValueTask<IStreamWriter?> TakeOverAsync(string path, long? after = null, CancellationToken cancellationToken = default) =>
        new(_streams.TryFind(path, out var stream) && stream.Terms is null && stream.TakeOver(after) is { } epoch ? new MemoryStreamWriter(this, stream, epoch) : null);

    public ValueTask<IStreamReader?> OpenReaderAsync(string path, long offset = 0, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        if (!_streams.TryFind(path, out var stream)) return new((IStreamReader?)null);
        stream.Terms?.Use(_time.GetUtcNow());
        return new(new MemoryStreamReader(stream, offset));
    }

    public ValueTask<StreamInfo?> GetAsync(string path, CancellationToken cancellationToken = default) =>
        new(_streams.TryFind(path, out var stream) ? stream.Describe(stream.Metadata)
            : _streams.FindKeptForForks(path) is { } kept ? kept.Describe(kept.Metadata, keptForForks: true)
            : null);

#pragma warning disable CS1998 // nothing to await in memory
    public async IAsyncEnumerable<StreamInfo> ListAsync(string prefix = "", [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var stream in _streams.Find(prefix)) yield return stream.Describe(stream.Metadata);
    }
#pragma warning restore CS1998

    public ValueTask<bool> DeleteAsync(string path, CancellationToken cancellationToken = default) =>
        new(_streams.TryFind(path, out var stream) && _streams.Remove(stream));

    public ValueTask DisposeAsync()
    {
        _isDisposed = true;
        _streams.Dispose();
        foreach (var stream in _streams.All) stream.Abandon();
        return default;
    }

    internal void Append(MemoryLogStream stream, int epoch, StreamBatch batch, bool close)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        StreamLimit.CheckNotIdle(batch, close);
        var cost = Cost(batch);
        TakeRoom(batch, close, cost);
        try
        {
            stream.Append(batch, epoch, close ? _time.GetUtcNow() : null, _options.MaxStreamBytes);
        }
        catch (StreamException)
        {
            Interlocked.Add(ref _held, -cost);
            throw;
        }

        if (close) NoteClosed(stream);
        stream.WakeReaders();
    }

    /// <summary>Forgets what the store need not keep of a stream.</summary>
    private void Trim(MemoryLogStream stream)
    {
        if (stream.Terms is not { MayBeTrimmed: true }) return;
        var (events, bytes) = stream.Trim(_options.KeepFrom(_time.GetUtcNow()), _options.KeepBytes);
        Interlocked.Add(ref _held, -(bytes + (events * EventCost)));
    }

    private void Add(MemoryLogStream stream)
    {
        try
        {
            _streams.Add(stream);
        }
        catch (StreamException)
        {
            Interlocked.Add(ref _held, -Cost(stream));
            throw;
        }
    }

    private void NoteClosed(MemoryLogStream stream)
    {
        lock (_closed) stream.ClosedPlace = _closed.AddLast(stream);
        if (stream.IsGone) Forget(stream);
    }

    private void TakeRoom(StreamBatch batch, bool close, long cost)
    {
        if (!close || batch.Bytes.Length > StreamStoreOptions.LastWords) Charge(cost);
        else Interlocked.Add(ref _held, cost);
    }

    /// <summary>Takes the room for so many bytes, removing the streams closed longest ago where there is none.</summary>
    private void Charge(long cost)
    {
        if (Interlocked.Add(ref _held, cost) <= _options.MaxTotalBytes) return;
        while (OldestClosed() is { } oldest)
        {
            _streams.Remove(oldest);
            Forget(oldest); // gives nothing back yet if forks begin with it
            if (Volatile.Read(ref _held) <= _options.MaxTotalBytes) return;
        }

        Interlocked.Add(ref _held, -cost);
        throw new StreamStorageException(
            $"The memory store is full: its limit is {_options.MaxTotalBytes} bytes (MaxTotalBytes), and no closed stream is left to make room.");
    }

    private MemoryLogStream? OldestClosed()
    {
        lock (_closed) return _closed.First?.Value;
    }

    private void Release(MemoryLogStream stream)
    {
        Interlocked.Add(ref _held, -Cost(stream));
        Forget(stream);
    }

    private void Forget(MemoryLogStream stream)
    {
        lock (_closed)
        {
            if (stream.ClosedPlace is { } place) _closed.Remove(place);
            stream.ClosedPlace = null;
        }
    }

    private static long Cost(StreamBatch batch) => batch.Bytes.Length + (long)batch.Count * EventCost;

    private static long Cost(MemoryLogStream stream) =>
        StreamCost + stream.Metadata.Length + stream.Bytes + (stream.NextOffset - stream.First.FirstOffset) * EventCost;
}
