using Penstock.Streams;
using StackExchange.Redis;

namespace Penstock.Redis;

/// <summary>
/// What this process knows of one stream that it has readers of, and its newest events. It hears what is published; what it
/// missed, and what lies further back, it reads.
/// </summary>
internal sealed class RedisStream : StreamState
{
    // Redis counts them: RedisStreamMeta.
    public override long Bytes => 0;

    /// <summary>The most bytes of newest events that are held of one stream, unless the last append alone has more.</summary>
    private const int MaxRecent = 256 << 10;

    private readonly RedisStreams _streams;
    private readonly List<EventRun> _recent = []; // one behind another, up to the end; guarded by the gate, as is what follows
    private readonly HashSet<long> _fetching = [];
    private int _recentBytes;
    private long _first;
    private DateTimeOffset? _expiresAt;
    private bool _isRefreshing;
    private bool _isStale;

    public RedisStream(RedisStreams streams, string path, RedisStreamMeta meta)
        : base(path, meta.Number, meta.CreatedAt, meta.Retention)
    {
        _streams = streams;
        TimeToLive = meta.TimeToLive;
        Keys = streams.KeysOf(path);
        Handler = (_, message) =>
        {
            if (EventRun.Read(message) is { } run) Hear(run);
        };
        Learn(meta, knownNext: 0);
    }

    public StreamKeys Keys { get; }

    public Action<RedisChannel, RedisValue> Handler { get; }

    public TimeSpan? TimeToLive { get; }

    /// <summary>How many readers it has here; guarded by <see cref="RedisStreams"/>, as is the rest.</summary>
    public int Readers { get; set; }

    /// <summary>What is published of it is heard.</summary>
    public bool IsFollowed { get; set; }

    public bool WasIdle { get; set; }

    /// <summary>When it was silent for so long that Redis is asked.</summary>
    public long CheckAt { get; set; }

    public TimeSpan CheckPause { get; set; }

    public override long FirstOffset => Volatile.Read(ref _first);

    /// <summary>The run of newest events with this one, or null.</summary>
    public EventRun? Find(long offset)
    {
        lock (Gate) return FindRecent(offset);
    }

    /// <summary>A reader waits for the event at an offset, which is not at hand.</summary>
    public void Want(long offset)
    {
        if (offset < NextOffset) Fetch(offset);
        else if (!IsFollowed && !IsClosed && !IsGone) _streams.Follow(this);
    }

    /// <summary>Takes in what was published.</summary>
    private void Hear(EventRun run)
    {
        if (run.Number < Number) return;
        if (run.IsGone || run.Number > Number)
        {
            End();
            return;
        }

        bool isBehind;
        lock (Gate)
        {
            isBehind = run.First > NextOffset || (run.Next > NextOffset && !run.IsWhole);
            if (!isBehind)
            {
                if (run.Next > NextOffset) Add(run);
                if (run.ClosedAt != 0 && run.Next == NextOffset) CloseAt(run.ClosedAt);
            }
        }

        _streams.Heard(this);
        if (isBehind) Refresh();
        else WakeReaders();
    }

    /// <summary>Asks Redis how far the stream has come, and for what is new.</summary>
    public void Refresh()
    {
        lock (Gate)
        {
            _isStale = true;
            if (_isRefreshing) return;
            _isRefreshing = true;
        }

        _ = RefreshAsync();
    }

    /// <summary>What did not come is asked for again.</summary>
    public void TryAgain()
    {
        bool isStale;
        lock (Gate) isStale = _isStale && !_isRefreshing;
        if (isStale) Refresh();
        FetchForWaiting();
    }

    /// <summary>Its time is over as of now, as far as is known here.</summary>
    public bool IsOver(DateTimeOffset now)
    {
        lock (Gate) return TimeToLive is null && (_expiresAt ?? ExpiresAt) is { } end && end <= now;
    }

    /// <summary>It has gone: its readers are told.</summary>
    public void End()
    {
        Leave();
        WakeReaders();
    }

    /// <summary>What is held of it is given back.</summary>
    public void Drop()
    {
        lock (Gate) Forget();
    }

    internal override StreamWait? Look(WaitingReader reader)
    {
        var found = base.Look(reader);
        return found == StreamWait.Ready && !IsAtHand((RedisStreamReader)reader) ? null : found;
    }

    /// <summary>Takes in what Redis says of the stream.</summary>
    /// <param name="meta">Null when it says that there is none.</param>
    /// <param name="knownNext">How far the stream had come before Redis was asked.</param>
    public void Learn(RedisStreamMeta? meta, long knownNext)
    {
        if (meta is null || meta.KeptForForks || meta.Number != Number || meta.Next < knownNext)
        {
            if (meta is not null && meta.Number == Number && meta.Next < knownNext) _streams.NoteLost(this, meta.Next, knownNext);
            End();
            return;
        }

        lock (Gate)
        {
            Volatile.Write(ref _first, Math.Max(_first, meta.First));
            if (meta.Shared) _expiresAt = meta.ExpiresAt;
            if (meta.Next > NextOffset)
            {
                if (meta.Run is { } run && run.First <= NextOffset && run.Next == meta.Next)
                {
                    Add(run);
                }
                else
                {
                    Forget(); // what is held ends where the stream does
                    Publish(meta.Next);
                }
            }

            if (meta.ClosedAt != 0 && meta.Next == NextOffset) CloseAt(meta.ClosedAt);
            if (meta.Run is { } page) Hand(page);
        }

        WakeReaders();
    }

    private async Task RefreshAsync()
    {
        var known = NextOffset;
        var isKnown = false;
        try
        {
            lock (Gate) _isStale = false;
            Learn(await _streams.ReadAsync(Keys, known), known);
            isKnown = true;
        }
        catch (Exception e) when (e is StreamStorageException or ObjectDisposedException)
        {
            // Redis has gone: the readers go on waiting, and it is tried again.
        }
        finally
        {
            lock (Gate)
            {
                _isRefreshing = false;
                _isStale |= !isKnown;
            }
        }

        FetchForWaiting();
    }

    private void Fetch(long offset)
    {
        lock (Gate)
        {
            if (!_fetching.Add(offset)) return; // it is on its way, for all that wait for it
        }

        _ = FetchAsync(offset);
    }

    private async Task FetchAsync(long offset)
    {
        try
        {
            var known = NextOffset;
            var (meta, run) = await _streams.FetchAsync(Keys, offset);
            Learn(meta, known);
            lock (Gate)
            {
                if (run is not null) Hand(run);
                _fetching.Remove(offset); // at once with it, so that nobody waits for what was handed out
            }

            WakeReaders();
        }
        catch (Exception e) when (e is StreamStorageException or ObjectDisposedException)
        {
            lock (Gate) _fetching.Remove(offset); // as above
        }
    }

    private void FetchForWaiting()
    {
        List<long>? offsets = null;
        lock (Gate)
        {
            for (var reader = Waiting; reader is not null; reader = reader.Next)
            {
                if (reader.NextOffset < NextOffset && !IsAtHand((RedisStreamReader)reader)) (offsets ??= []).Add(reader.NextOffset);
            }
        }

        foreach (var offset in offsets?.Distinct() ?? []) Fetch(offset);
    }

    /// <summary>Gives a run to those that wait for something in it. Under the gate.</summary>
    private void Hand(EventRun run)
    {
        for (var reader = Waiting; reader is not null; reader = reader.Next)
        {
            if (run.Holds(reader.NextOffset)) ((RedisStreamReader)reader).Run = run;
        }
    }

    private bool IsAtHand(RedisStreamReader reader) => reader.Run?.Holds(reader.NextOffset) == true || FindRecent(reader.NextOffset) is not null;

    private EventRun? FindRecent(long offset)
    {
        for (var i = _recent.Count - 1; i >= 0; i--)
        {
            if (_recent[i].First <= offset) return _recent[i].Holds(offset) ? _recent[i] : null;
        }

        return null;
    }

    private void Add(EventRun run)
    {
        _recent.Add(run);
        Hold(run.Size);
        Publish(run.Next);
        var kept = 0;
        while (_recentBytes > _streams.Allowance(MaxRecent) && kept < _recent.Count - 1) Hold(-_recent[kept++].Size);
        _recent.RemoveRange(0, kept);
    }

    private void Forget()
    {
        Hold(-_recentBytes);
        _recent.Clear();
    }

    private void Hold(int bytes)
    {
        _recentBytes += bytes;
        _streams.Hold(bytes);
    }

    private void CloseAt(long milliseconds)
    {
        if (!IsClosed) Close(DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).UtcTicks);
    }
}
