namespace Penstock.Streams.Memory;

/// <summary>One stream in memory: pages of events, linked in order.</summary>
internal sealed class MemoryLogStream : StreamState
{
    private Page _last;
    private long _bytes;

    public MemoryLogStream(string path, long number, DateTimeOffset createdAt, TimeSpan retention, ReadOnlyMemory<byte> metadata, StreamTerms? terms = null)
        : base(path, number, createdAt, retention, terms)
    {
        Metadata = metadata;
        First = _last = Page.First(NextOffset);
    }

    public ReadOnlyMemory<byte> Metadata { get; }

    /// <summary>Begins at the first of the stream's own events that is kept.</summary>
    public Page First { get; private set; }

    /// <summary>Its place in the order in which closed streams make room; guarded by the log.</summary>
    public LinkedListNode<MemoryLogStream>? ClosedPlace { get; set; }

    public override long Bytes => _bytes;

    /// <summary>The next epoch, or null when the stream has ended.</summary>
    public int? TakeOver(long? after)
    {
        lock (Gate) return IsGone || IsClosed || (after is { } epoch && epoch != Epoch) ? null : ++Epoch;
    }

    /// <exception cref="StreamException">Nothing was appended.</exception>
    public void Append(StreamBatch batch, int epoch, DateTimeOffset? closedAt, long maxBytes)
    {
        lock (Gate)
        {
            if (IsGone) throw new StreamGoneException(Path);
            if (epoch < Epoch) throw new StreamFencedException(Path, epoch, Epoch);
            if (IsClosed) throw new StreamClosedException(Path);
            Add(batch, closedAt, maxBytes);
        }
    }

    /// <summary>Appends to a shared stream, or says why not.</summary>
    /// <exception cref="StreamStorageException">The stream is full.</exception>
    public AppendResult Append(StreamBatch batch, in StreamAppend append, DateTimeOffset now, long maxBytes)
    {
        lock (Gate)
        {
            if (IsGone) return new(AppendStatus.NotFound);
            var ledger = Terms!.Ledger;
            var result = ledger.Judge(append, batch.Count == 0, IsClosed);
            if (result.Status != AppendStatus.Appended) return result;
            Add(batch, append.Close ? now : null, maxBytes, now);
            ledger.Recover(append, NextOffset);
            return result with { NextOffset = NextOffset, Closed = IsClosed };
        }
    }

    /// <summary>Forgets pages from the beginning while they are more than the store keeps of a stream.</summary>
    /// <returns>How many events and bytes were forgotten.</returns>
    public (long Events, long Bytes) Trim(DateTimeOffset keepFrom, long keepBytes)
    {
        long first, bytes = 0;
        lock (Gate)
        {
            first = First.FirstOffset;
            while (First.Next is { } next && (First.LastAt < keepFrom || Bytes - First.Bytes >= keepBytes))
            {
                bytes += First.Bytes;
                _bytes -= First.Bytes;
                First = next;
            }

            if (bytes == 0) return default;
            Terms!.FirstOffset = First.FirstOffset;
        }

        WakeReaders();
        return (First.FirstOffset - first, bytes);
    }

    private void Add(StreamBatch batch, DateTimeOffset? closedAt, long maxBytes, DateTimeOffset now = default)
    {
        if (StreamLimit.Check(Path, Bytes, batch.Bytes.Length, maxBytes, closing: closedAt is not null) is { } full) throw full;
        for (var i = 0; i < batch.Count; i++) _last = _last.Add(batch[i]);
        if (Terms is not null) _last.LastAt = now;
        _bytes += batch.Bytes.Length;
        Publish(NextOffset + batch.Count);
        if (closedAt is { } at) Close(at.UtcTicks);
    }
}
