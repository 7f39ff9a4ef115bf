namespace Penstock.Streams;

/// <summary>What a shared stream keeps beside what every stream keeps.</summary>
internal sealed class StreamTerms(
    ReadOnlyMemory<byte> metadata, TimeSpan? timeToLive, DateTimeOffset? expiresAt, StreamState? source, long forkOffset, DateTimeOffset now,
    bool keepWhole = false)
{
    private long _lastUsed = now.UtcTicks;
    private long _firstOffset;

    public ReadOnlyMemory<byte> Metadata { get; } = metadata;

    /// <summary>The metadata as whoever uses the stream has read them, so that they are not read again with each append.</summary>
    public object? MetadataRead { get; set; }

    public TimeSpan? TimeToLive { get; } = timeToLive;

    /// <summary>When the stream goes whatever happens.</summary>
    public DateTimeOffset? FixedEnd { get; } = expiresAt;

    /// <summary>Nothing of it is forgotten by age or size.</summary>
    public bool KeepWhole { get; } = keepWhole;

    /// <summary>The stream whose events this one begins with.</summary>
    public StreamState? Source { get; } = source;

    /// <summary>The first offset that is the stream's own.</summary>
    public long ForkOffset { get; } = forkOffset;

    /// <summary>The first event that is kept, here or, before the fork's own, in its source.</summary>
    public long FirstOffset
    {
        get => Math.Max(Volatile.Read(ref _firstOffset), Source is null ? 0 : Math.Min(Source.FirstOffset, ForkOffset));
        set => Volatile.Write(ref _firstOffset, value);
    }

    /// <summary>Whether its beginning may be forgotten.</summary>
    public bool MayBeTrimmed => Forks == 0 && !KeepWhole;

    /// <summary>How many forks begin with this one's events; guarded by the catalog.</summary>
    public int Forks { get; set; }

    public AppendLedger Ledger { get; } = new(forkOffset);

    /// <summary>When the stream goes as things stand.</summary>
    public DateTimeOffset? ExpiresAt
    {
        get
        {
            if (TimeToLive is not { } life) return FixedEnd;
            var lastUsed = new DateTimeOffset(Volatile.Read(ref _lastUsed), TimeSpan.Zero);
            return life >= DateTimeOffset.MaxValue - lastUsed ? DateTimeOffset.MaxValue : lastUsed + life;
        }
    }

    /// <summary>It was read or appended to.</summary>
    public void Use(DateTimeOffset now) => Volatile.Write(ref _lastUsed, now.UtcTicks);
}
