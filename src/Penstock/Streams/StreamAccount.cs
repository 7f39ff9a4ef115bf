namespace Penstock.Streams;

/// <summary>
/// How many streams of a kind, and how many bytes in them, somebody has and may have. It is counted from the log now and then, and kept
/// in between. While it is counted nothing is stored: else what comes in that moment would count twice or not at all, for good.
/// </summary>
/// <param name="maxStreams">How many streams; 0 for no limit.</param>
/// <param name="maxBytes">How many bytes; 0 for no limit.</param>
/// <param name="count">Counts what there is in the log.</param>
/// <param name="longest">How long a count holds.</param>
/// <param name="time">The clock.</param>
internal sealed class StreamAccount(long maxStreams, long maxBytes, Func<ValueTask<(long Streams, long Bytes)>> count, TimeSpan longest, TimeProvider time)
{
    // Until what has expired meanwhile is looked for again, for one that has no room.
    private static readonly TimeSpan _countForRoom = TimeSpan.FromSeconds(1);

    // What is counted among many takes its time: it is not to take more than a part of all.
    private const int LeastPause = 20;

    private readonly SemaphoreSlim _turn = new(1);
    private readonly Lock _lock = new();
    private long _streams;
    private long _bytes;
    private long _comingStreams;
    private long _comingBytes;
    private int _coming;
    private long? _countedAt;
    private TimeSpan _took;
    private bool _isStale;
    private TaskCompletionSource? _stored;

    /// <summary>What there is, as far as it is known.</summary>
    public (long Streams, long Bytes) Has
    {
        get
        {
            lock (_lock) return (_streams, _bytes);
        }
    }

    /// <summary>Takes room for more; what it is for has failed unless <see cref="StreamRoom.Keep"/> is called.</summary>
    /// <param name="streams">For how many streams.</param>
    /// <param name="bytes">For how many bytes.</param>
    /// <param name="isOwed">It is given though there is none.</param>
    /// <returns>The room; null where there is none.</returns>
    public async ValueTask<StreamRoom?> TakeAsync(int streams, long bytes, bool isOwed = false)
    {
        await _turn.WaitAsync();
        try
        {
            await CountAsync(longest);
            if (TryTake(streams, bytes, isOwed)) return new StreamRoom(this, streams, bytes);
            await CountAsync(_countForRoom);
            return TryTake(streams, bytes, isOwed) ? new StreamRoom(this, streams, bytes) : null;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Something was deleted: there is more room than was counted.</summary>
    public void Recount()
    {
        lock (_lock) _isStale = true;
    }

    /// <summary>What room was taken for has come, or has not.</summary>
    internal void Came(int streams, long bytes, bool isKept)
    {
        lock (_lock)
        {
            _comingStreams -= streams;
            _comingBytes -= bytes;
            if (isKept) (_streams, _bytes) = (_streams + streams, _bytes + bytes);
            if (--_coming == 0) _stored?.TrySetResult();
        }
    }

    private async ValueTask CountAsync(TimeSpan longest)
    {
        Task stored;
        lock (_lock)
        {
            if (!_isStale && _countedAt is { } at && (longest == Timeout.InfiniteTimeSpan || time.GetElapsedTime(at) < Longer(longest, _took * LeastPause))) return;
            _isStale = false; // what is deleted from here on makes it so again
            stored = _coming == 0 ? Task.CompletedTask : (_stored = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        await stored;
        var begun = time.GetTimestamp();
        try
        {
            var (streams, bytes) = await count();
            lock (_lock) (_streams, _bytes, _countedAt, _took) = (streams, bytes, begun, time.GetElapsedTime(begun));
        }
        catch
        {
            Recount();
            throw;
        }
    }

    private bool TryTake(int streams, long bytes, bool isOwed)
    {
        lock (_lock)
        {
            if (!isOwed && maxStreams > 0 && streams > 0 && _streams + _comingStreams + streams > maxStreams) return false;
            if (!isOwed && maxBytes > 0 && _bytes + _comingBytes + bytes > maxBytes) return false;
            _coming++;
            _comingStreams += streams;
            _comingBytes += bytes;
            return true;
        }
    }

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;
}

/// <summary>Room that was taken for something to store; given back when it is disposed, unless that was stored.</summary>
internal sealed class StreamRoom(StreamAccount account, int streams, long bytes) : IDisposable
{
    private bool _isKept;

    public void Keep() => _isKept = true;

    public void Dispose() => account.Came(streams, bytes, _isKept);
}
