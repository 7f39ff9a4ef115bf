namespace Penstock.Streams;

/// <summary>How far a stream has come, and the readers that wait for it to go on. All stores build their stream on it.</summary>
internal abstract class StreamState(string path, long number, DateTimeOffset createdAt, TimeSpan retention, StreamTerms? terms = null) : StreamEntry
{
    /// <summary>Beyond so many, waiting readers are woken by the thread pool, so that a crowd does not hold up the producer.</summary>
    private const int WokenInline = 16;

    private WaitingReader? _waiting;
    private long _nextOffset = terms?.ForkOffset ?? 0;
    private long _closedAt;
    private volatile bool _gone;

    public string Path { get; } = path;

    public override long Number { get; } = number;

    public DateTimeOffset CreatedAt => new(_createdAt, TimeSpan.Zero);

    public TimeSpan Retention { get; } = retention;

    public int Epoch { get; protected set; } = 1;

    /// <summary>Readers may see all events below it.</summary>
    public long NextOffset => Volatile.Read(ref _nextOffset);

    /// <summary>Readers can have no event below it any more.</summary>
    public virtual long FirstOffset => Terms?.FirstOffset ?? 0;

    /// <summary>The bytes of all its events that are kept.</summary>
    public abstract long Bytes { get; }

    public bool IsClosed => Volatile.Read(ref _closedAt) != 0;

    public bool IsGone => _gone;

    /// <summary>How far it has come; null once it has gone.</summary>
    public StreamTail? Tail
    {
        get
        {
            var isClosed = IsClosed; // first: where it is closed, the offset is the last one
            return _gone ? null : new StreamTail(FirstOffset, NextOffset, isClosed);
        }
    }

    internal bool IsAbandoned { get; private set; }

    /// <summary>Of a shared stream.</summary>
    public StreamTerms? Terms { get; } = terms;

    public override DateTimeOffset? ExpiresAt => Terms is { } terms ? terms.ExpiresAt : EndOf(Volatile.Read(ref _closedAt), Retention);

    /// <summary>Held briefly, never over I/O or while a reader is woken.</summary>
    internal Lock Gate { get; } = new();

    private readonly long _createdAt = createdAt.UtcTicks;

    /// <summary>UTC ticks; 0 while open.</summary>
    protected long ClosedAt => _closedAt;

    /// <summary>Lets readers see the events below <paramref name="nextOffset"/>. The caller holds the gate, and then calls <see cref="WakeReaders"/> without it.</summary>
    protected void Publish(long nextOffset) => Volatile.Write(ref _nextOffset, nextOffset);

    /// <summary>Under the gate, after the last <see cref="Publish"/>.</summary>
    /// <param name="at">UTC ticks.</param>
    protected void Close(long at) => Volatile.Write(ref _closedAt, at);

    /// <summary>The stream was deleted or has expired. The caller then calls <see cref="WakeReaders"/>, which ends them.</summary>
    public void Leave()
    {
        lock (Gate) _gone = true;
    }

    /// <summary>Somebody waits for more of it.</summary>
    public bool IsWatched => Volatile.Read(ref _waiting) is not null;

    /// <summary>The first of the readers that wait. Under the gate.</summary>
    internal WaitingReader? Waiting => _waiting;

    /// <summary>What a reader finds where it stands, or null when it has to wait. Under the gate.</summary>
    internal virtual StreamWait? Look(WaitingReader reader) =>
        _gone ? StreamWait.Gone
        : reader.NextOffset < FirstOffset ? StreamWait.Behind
        : reader.NextOffset < _nextOffset ? StreamWait.Ready
        : _closedAt != 0 ? StreamWait.Closed
        : null;

    /// <summary>Under the gate.</summary>
    internal void Enlist(WaitingReader reader)
    {
        reader.Next = _waiting;
        if (_waiting is not null) _waiting.Previous = reader;
        _waiting = reader;
    }

    /// <summary>Under the gate.</summary>
    internal void Delist(WaitingReader reader)
    {
        if (reader.Previous is null) _waiting = reader.Next;
        else reader.Previous.Next = reader.Next;
        if (reader.Next is not null) reader.Next.Previous = reader.Previous;
        reader.Next = reader.Previous = null;
    }

    /// <summary>Completes the waits that have something to return by now.</summary>
    public void WakeReaders()
    {
        WaitingReader? woken = null;
        var count = 0;
        lock (Gate)
        {
            for (var reader = _waiting; reader is not null;)
            {
                var next = reader.Next;
                if (Look(reader) is { } result)
                {
                    Delist(reader);
                    reader.Take(result);
                    reader.Next = woken;
                    woken = reader;
                    count++;
                }

                reader = next;
            }
        }

        for (var inline = 0; woken is not null; inline++)
        {
            if (inline == WokenInline)
            {
                ThreadPool.UnsafeQueueUserWorkItem(WaitingReader.WakeAll, woken, preferLocal: false);
                return;
            }

            woken = woken.WakeAndNext();
        }
    }

    /// <summary>Fails every wait, now and from now on: the store is shutting down.</summary>
    public void Abandon()
    {
        IsAbandoned = true;
        while (true)
        {
            WaitingReader? reader;
            lock (Gate)
            {
                reader = _waiting;
                if (reader is null) return;
                Delist(reader);
                reader.Take(StreamWait.Gone);
            }

            reader.Fail(Abandoned());
        }
    }

    internal static ObjectDisposedException Abandoned() => new(nameof(IStreamLog), "The store of streams was shut down.");

    public StreamInfo Describe(ReadOnlyMemory<byte> metadata, bool keptForForks = false)
    {
        lock (Gate)
        {
            return new StreamInfo
            {
                Path = Path,
                CreatedAt = CreatedAt,
                Number = Number,
                Shared = Terms is not null,
                KeptForForks = keptForForks,
                Epoch = Epoch,
                FirstOffset = FirstOffset,
                NextOffset = _nextOffset,
                Bytes = Bytes,
                Closed = _closedAt != 0,
                ClosedAt = _closedAt == 0 ? null : new DateTimeOffset(_closedAt, TimeSpan.Zero),
                ExpiresAt = ExpiresAt,
                Metadata = metadata,
                Terms = Terms,
            };
        }
    }
}
