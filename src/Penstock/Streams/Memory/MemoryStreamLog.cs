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
    private readonly LinkedList<MemoryLogStream> _closed = new(); // the one closed first is in front; guards itself
    private long _lastNumber;
    private long _held;
    private volatile bool _isDisposed;

    public MemoryStreamLog(StreamStoreOptions options, TimeProvider time)
    {
        _options = options;
        _time = time;
        _streams = new(time, Release);
    }

    public ValueTask<IStreamWriter> CreateAsync(string path, StreamOptions options, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        var stream = new MemoryLogStream(
            path, Interlocked.Increment(ref _lastNumber), _time.GetUtcNow(), options.Retention ?? _options.Retention, options.Metadata.ToArray());
        if (_streams.TryFind(path, out _)) throw new StreamExistsException(path);
        Charge(Cost(stream));
        try
        {
            _streams.Add(stream);
        }
        catch (StreamExistsException)
        {
            Interlocked.Add(ref _held, -Cost(stream));
            throw;
        }

        return new(new MemoryStreamWriter(this, stream, stream.Epoch));
    }

    public ValueTask<IStreamWriter?> TakeOverAsync(string path, CancellationToken cancellationToken = default) =>
        new(_streams.TryFind(path, out var stream) && stream.TakeOver() is { } epoch ? new MemoryStreamWriter(this, stream, epoch) : null);

    public ValueTask<IStreamReader?> OpenReaderAsync(string path, long offset = 0, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        return new(_streams.TryFind(path, out var stream) ? new MemoryStreamReader(stream, offset) : null);
    }

    public ValueTask<StreamInfo?> GetAsync(string path, CancellationToken cancellationToken = default) =>
        new(_streams.TryFind(path, out var stream) ? stream.Describe(stream.Metadata) : null);

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
        if (!close || batch.Bytes.Length > StreamStoreOptions.LastWords) Charge(cost);
        else Interlocked.Add(ref _held, cost);
        try
        {
            stream.Append(batch, epoch, close ? _time.GetUtcNow() : null, _options.MaxStreamBytes);
        }
        catch (StreamException)
        {
            Interlocked.Add(ref _held, -cost);
            throw;
        }

        if (close)
        {
            lock (_closed) stream.ClosedPlace = _closed.AddLast(stream);
            if (stream.IsGone) Forget(stream);
        }

        stream.WakeReaders();
    }

    /// <summary>Takes the room for so many bytes, removing the streams closed longest ago where there is none.</summary>
    private void Charge(long cost)
    {
        if (Interlocked.Add(ref _held, cost) <= _options.MaxTotalBytes) return;
        while (OldestClosed() is { } oldest)
        {
            if (!_streams.Remove(oldest)) Forget(oldest);
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
        StreamCost + stream.Metadata.Length + stream.Bytes + stream.NextOffset * EventCost;
}
