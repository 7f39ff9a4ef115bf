namespace Penstock.Streams.Disk;

/// <summary>What the start alone does: it finds the stream in the indexes of segments, or in the segments themselves.</summary>
internal sealed partial class DiskStream
{
    /// <summary>Takes in what a sealed segment's index says. For the start alone.</summary>
    public void Restore(in IndexEntry entry, Segment segment, ReadOnlySpan<byte> marks)
    {
        RecoverMarks(marks);
        ref var part = ref PartIn(segment, entry.FirstOffset);
        part.MoveToIndex(entry.ExtentStart);
        part.Count = entry.ExtentCount;
        part.Events = entry.Events;
        part.Bytes = entry.EventBytes;
        part.Epoch = Epoch = entry.Epoch;
        if (entry.Events.HasFlag(PartEvents.Created))
        {
            _createPosition = segment.Base + entry.CreatePosition;
            _createLength = entry.CreateLength;
        }

        if (entry.Events.HasFlag(PartEvents.Unfinished)) _isUnfinished = true;
        if (entry.NextOffset > entry.FirstOffset || entry.Events.HasFlag(PartEvents.Closed)) _isUnfinished = false;
        _bytes += entry.EventBytes;
        Publish(entry.NextOffset);
        if (entry.Events.HasFlag(PartEvents.Closed)) Close(entry.ClosedAt);
        if (!entry.Events.HasFlag(PartEvents.Trimmed)) return;
        var left = new List<Segment>();
        TrimTo(entry.TrimmedTo, left);
        foreach (var behind in left) behind.Release();
    }

    /// <summary>Takes in what was noted of the producers. For the start alone.</summary>
    public void RecoverMarks(ReadOnlySpan<byte> marks)
    {
        while (!marks.IsEmpty)
        {
            var append = SegmentMarks.ReadNext(ref marks, out var at);
            Terms?.Ledger.Recover(append, at);
        }
    }

    /// <summary>At the end of the start: what is staged is what is committed.</summary>
    public void Resume()
    {
        _stagedEpoch = Epoch;
        lock (Gate) Terms?.Ledger.Abandon(NextOffset);
    }

    /// <summary>For the start: what was found of this stream before its beginning was, which a trim has put behind it.</summary>
    public void Adopt(DiskStream orphan)
    {
        (_parts, _bytes, Epoch) = (orphan._parts, orphan._bytes, orphan.Epoch);
        Publish(Math.Max(NextOffset, orphan.NextOffset));
        if (orphan.IsClosed) Close(orphan.ClosedAt);
        foreach (var part in _parts)
        {
            var at = part.Segment.Streams.IndexOf(orphan);
            if (at >= 0) part.Segment.Streams[at] = this;
        }

        if (Terms is null || orphan.Terms is null) return;
        foreach (var (id, state) in orphan.Terms.Ledger.Producers)
            Terms.Ledger.Recover(new StreamAppend { ProducerId = id, ProducerEpoch = state.Epoch, ProducerSeq = state.Seq }, state.At);
        Terms.Ledger.Recover(new StreamAppend { Sequence = orphan.Terms.Ledger.Sequence }, NextOffset);
    }

    /// <summary>For the start: nothing was found of this stream's beginning, so it has gone.</summary>
    public void ReleaseAsOrphan()
    {
        foreach (var part in _parts) part.Segment.Release();
    }
}
