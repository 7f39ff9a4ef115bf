namespace Penstock.Streams.Memory;

/// <summary>One stream in memory: pages of events, linked in order.</summary>
internal sealed class MemoryLogStream : StreamState
{
    private Page _last;

    public MemoryLogStream(string path, long number, DateTimeOffset createdAt, TimeSpan retention, ReadOnlyMemory<byte> metadata)
        : base(path, number, createdAt, retention)
    {
        Metadata = metadata;
        First = _last = Page.First();
    }

    public ReadOnlyMemory<byte> Metadata { get; }

    public Page First { get; }

    /// <summary>Its place in the order in which closed streams make room; guarded by the log.</summary>
    public LinkedListNode<MemoryLogStream>? ClosedPlace { get; set; }

    /// <summary>The bytes of all events.</summary>
    public long Bytes { get; private set; }

    /// <summary>The next epoch, or null when the stream has ended.</summary>
    public int? TakeOver()
    {
        lock (Gate) return IsGone || IsClosed ? null : ++Epoch;
    }

    /// <exception cref="StreamException">Nothing was appended.</exception>
    public void Append(StreamBatch batch, int epoch, DateTimeOffset? closedAt, long maxBytes)
    {
        lock (Gate)
        {
            if (IsGone) throw new StreamGoneException(Path);
            if (epoch < Epoch) throw new StreamFencedException(Path, epoch, Epoch);
            if (IsClosed) throw new StreamClosedException(Path);
            if (StreamLimit.Check(Path, Bytes, batch.Bytes.Length, maxBytes, closing: closedAt is not null) is { } full) throw full;
            for (var i = 0; i < batch.Count; i++) _last = _last.Add(batch[i]);
            Bytes += batch.Bytes.Length;
            Publish(NextOffset + batch.Count);
            if (closedAt is { } at) Close(at.UtcTicks);
        }
    }
}
