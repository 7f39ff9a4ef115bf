namespace Penstock.Streams.Disk;

/// <summary>
/// The entry of one stream in memory: how far it has come and where its records are. Kept small, for there are as many as
/// there are retained streams.
/// </summary>
internal sealed partial class DiskStream(string path, long number, DateTimeOffset createdAt, TimeSpan retention, StreamTerms? terms = null)
    : StreamState(path, number, createdAt, retention, terms)
{
    private StreamPart[] _parts = [];
    private long _createPosition;
    private int _createLength;
    private long _bytes;

    // What is on its way to the disk, guarded by the commit's gate: an append by a writer whose successor is already
    // staged must fail although the take-over is not committed yet.
    private int _stagedEpoch = 1;
    private bool _isClosing;
    private bool _isDeleting;
    private List<Segment>? _beginnings; // left segments that a start may still find this stream's beginning in
    private volatile bool _isUnfinished;

    /// <summary>False until its create record is committed, and its first events if it was created with some; such a stream is nobody's to see.</summary>
    public bool IsCreated => Volatile.Read(ref _createLength) > 0 && !_isUnfinished;

    public override long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>A delete record of it was admitted.</summary>
    public bool IsDeleting => Volatile.Read(ref _isDeleting);

    /// <summary>Admits a record to the log, or says why not. Under the commit's gate.</summary>
    public StreamException? Admit(ref RecordHeader record, int eventBytes, long maxBytes)
    {
        if ((IsGone && record.Kind != RecordKind.Delete) || _isDeleting) return new StreamGoneException(Path); // the end of one that has expired is noted afterwards
        switch (record.Kind)
        {
            case RecordKind.Append:
                if (record.Epoch < _stagedEpoch) return new StreamFencedException(Path, record.Epoch, _stagedEpoch);
                if (_isClosing || IsClosed) return new StreamClosedException(Path);
                if (StreamLimit.Check(Path, Interlocked.Read(ref _bytes), eventBytes, maxBytes, record.Closes) is { } full) return full;
                _isClosing = record.Closes;
                break;
            case RecordKind.TakeOver:
                if (_isClosing || IsClosed) return new StreamClosedException(Path);
                if (record.Epoch != 0 && record.Epoch != _stagedEpoch) return new StreamFencedException(Path, record.Epoch, _stagedEpoch);
                record.Epoch = ++_stagedEpoch;
                break;
            case RecordKind.Delete:
                _isDeleting = true;
                break;
        }

        return null;
    }

    /// <summary>Admits an append to a shared stream, or says why not. Under the commit's gate.</summary>
    public (Admission Admission, AppendResult Result, StreamException? Error) AdmitShared(
        ref RecordHeader record, in StreamAppend append, int eventBytes, long maxBytes)
    {
        lock (Gate)
        {
            if (IsGone || _isDeleting) return (Admission.Refused, new AppendResult(AppendStatus.NotFound), null);
            var ledger = Terms!.Ledger;
            var result = ledger.Judge(append, record.Count == 0, IsClosed);
            if (result.Status != AppendStatus.Appended) return (ledger.IsUncertain ? Admission.Wait : Admission.Refused, result, null);
            if (StreamLimit.Check(Path, Interlocked.Read(ref _bytes), eventBytes, maxBytes, record.Closes) is { } full)
                return (Admission.Refused, result, full);
            record.FirstOffset = ledger.Stage(append, record.Count);
            return (Admission.Taken, result with { NextOffset = ledger.StagedNext, Closed = append.Close }, null);
        }
    }

    /// <summary>A shared append that was admitted is stored.</summary>
    public void NoteStored(in StreamAppend append, in RecordHeader record)
    {
        lock (Gate) Terms!.Ledger.Store(append, record.FirstOffset + record.Count);
    }

    /// <summary>Takes back what <see cref="Admit"/> or <see cref="AdmitShared"/> noted of a record that was not written. Under the commit's gate.</summary>
    public void Forget(in RecordHeader record)
    {
        if (Terms is not null && record.Kind == RecordKind.Append)
        {
            lock (Gate) Terms.Ledger.Abandon(NextOffset);
            return;
        }

        if (record.Kind == RecordKind.TakeOver) _stagedEpoch = Epoch;
        if (record.Kind == RecordKind.Delete) _isDeleting = false;
        if (record.Closes) _isClosing = false;
    }

    /// <summary>Takes in a committed record. Records come in the order of the log, from one thread at a time.</summary>
    public void Apply(in RecordHeader record, long position, Segment segment)
    {
        List<Segment>? left = null; // by a trim
        lock (Gate)
        {
            // Of a stream that was forgotten whole, its trim alone tells how far it had come.
            if (record.Kind == RecordKind.Trim && record.FirstOffset > NextOffset) Publish(record.FirstOffset);
            // The first record at hand may not be the stream's first: those before may have been trimmed.
            ref var part = ref PartIn(segment, _parts.Length == 0 && record.Kind == RecordKind.Append ? record.FirstOffset : null);
            switch (record.Kind)
            {
                case RecordKind.Create:
                    part.Events |= PartEvents.Created;
                    if (record.IsUnfinished) part.Events |= PartEvents.Unfinished;
                    _isUnfinished = record.IsUnfinished;
                    _createPosition = position;
                    Volatile.Write(ref _createLength, record.Length);
                    break;
                case RecordKind.Append:
                    if (record.Count > 0) part.Add(record.FirstOffset, position, record.Length);
                    part.Bytes += EventBytes(record);
                    _bytes += EventBytes(record);
                    _isUnfinished = false;
                    Publish(record.FirstOffset + record.Count);
                    if (record.Closes)
                    {
                        part.Events |= PartEvents.Closed;
                        part.TrimExcess();
                        Close(record.Time);
                    }

                    break;
                case RecordKind.TakeOver:
                    part.Epoch = Epoch = record.Epoch;
                    break;
                case RecordKind.Delete:
                    part.Events |= PartEvents.Deleted;
                    break;
                case RecordKind.Trim:
                    part.Events |= PartEvents.Created | PartEvents.Trimmed;
                    if (record.Closes)
                    {
                        part.Events |= PartEvents.Closed;
                        if (!IsClosed) Close(record.Time);
                    }

                    _createPosition = position;
                    Volatile.Write(ref _createLength, record.Length);
                    TrimTo(record.FirstOffset, left = []);
                    break;
            }
        }

        if (left is null) return;
        foreach (var behind in left) behind.Release();
    }

    /// <summary>Where the stream may begin so that no more is kept of it than must be; where it begins now, if it may not be trimmed.</summary>
    public long WhereToTrim(DateTimeOffset keepFrom, long keepBytes)
    {
        lock (Gate)
        {
            var first = FirstOffset;
            if (Terms is not { MayBeTrimmed: true } || IsGone || !IsCreated) return first;
            var kept = _bytes;
            for (var i = 0; i < _parts.Length; i++)
            {
                var isLast = i == _parts.Length - 1;
                kept -= _parts[i].Bytes;
                if (_parts[i].Segment.WrittenUntil >= keepFrom && (isLast || kept < keepBytes)) break;
                first = Math.Max(first, isLast ? NextOffset : _parts[i + 1].FirstOffset);
            }

            return first;
        }
    }

    /// <summary>Adds the segments that hold something of this stream.</summary>
    public void CollectSegments(HashSet<Segment> into)
    {
        lock (Gate)
        {
            foreach (ref readonly var part in _parts.AsSpan()) into.Add(part.Segment);
        }
    }

    /// <summary>Whether a segment holds events of this stream, or its beginning.</summary>
    public bool IsIn(Segment segment)
    {
        lock (Gate) return FindPart(segment) >= 0;
    }

    /// <summary>Where this stream begins without what a segment and those before it hold.</summary>
    public long FirstBehind(Segment segment)
    {
        lock (Gate)
        {
            var at = FindPart(segment);
            return at < 0 ? FirstOffset : at + 1 < _parts.Length ? _parts[at + 1].FirstOffset : NextOffset;
        }
    }

    /// <summary>Lets go of what is before an offset. Under the gate.</summary>
    /// <param name="offset">Where the stream begins from now on.</param>
    /// <param name="left">Takes the segments to release without the gate.</param>
    private void TrimTo(long offset, List<Segment> left)
    {
        if (Terms is null || offset < Terms.FirstOffset) return;
        Terms.FirstOffset = offset;
        var count = 0;
        while (count + 1 < _parts.Length && _parts[count + 1].FirstOffset <= offset)
        {
            _bytes -= _parts[count].Bytes;
            if (_parts[count].Events.HasFlag(PartEvents.Created)) (_beginnings ??= []).Add(_parts[count].Segment);
            left.Add(_parts[count].Segment);
            count++;
        }

        _beginnings?.RemoveAll(segment => segment.IsDeleted);
        _parts = _parts[count..];
    }

    /// <summary>What the index of a segment has to say of this stream; its extents go to <paramref name="extents"/>.</summary>
    /// <returns>False when the stream has nothing there any more.</returns>
    public bool TryIndex(Segment segment, List<Extent> extents, out IndexEntry entry)
    {
        entry = default;
        lock (Gate)
        {
            var at = FindPart(segment);
            if (at < 0) return false;
            ref readonly var part = ref _parts[at];
            var isLast = at == _parts.Length - 1;
            var nextOffset = isLast ? NextOffset : _parts[at + 1].FirstOffset;
            var start = extents.Count;
            extents.AddRange(part.InMemory);
            entry = new IndexEntry
            {
                Stream = Number,
                FirstOffset = part.FirstOffset,
                NextOffset = nextOffset,
                ExtentStart = start,
                ExtentCount = part.Count,
                Epoch = part.Epoch,
                Events = part.Events,
                EventBytes = part.Bytes,
                CreatedAt = CreatedAt.UtcTicks,
                TrimmedTo = part.Events.HasFlag(PartEvents.Trimmed) ? FirstOffset : 0,
                ClosedAt = part.Events.HasFlag(PartEvents.Closed) ? ClosedAt : 0,
                CreatePosition = at == 0 && Terms is null ? (uint)(_createPosition - segment.Base) : 0, // a shared stream has no need of it
                CreateLength = part.Events.HasFlag(PartEvents.Created) ? _createLength : 0,
            };
            return true;
        }
    }

    /// <summary>Writes what the index of a segment that holds the events between two offsets has to say of the producers.</summary>
    public void WriteMarks(long from, long to, Stream output)
    {
        if (Terms is null) return;
        lock (Gate) SegmentMarks.Write(Terms.Ledger, from, to, output);
    }

    /// <summary>The segment's index is on disk: the extents leave memory.</summary>
    public void MoveToIndex(Segment segment, int start)
    {
        lock (Gate)
        {
            var at = FindPart(segment);
            if (at >= 0) _parts[at].MoveToIndex(start);
        }
    }

    /// <summary>Where the record with the event at <paramref name="offset"/> lies, if memory knows.</summary>
    public bool TryLocate(long offset, out long position, out int length)
    {
        lock (Gate)
        {
            position = length = 0;
            var at = FindPart(offset);
            if (at < 0 || _parts[at].Extents is null) return false;
            ref readonly var part = ref _parts[at];
            var found = Extent.Find(part.InMemory, offset - part.FirstOffset);
            if (found < 0) return false;
            position = part.Segment.Base + part.InMemory[found].Position;
            length = part.InMemory[found].Length;
            return true;
        }
    }

    /// <summary>
    /// Where the record with the event at <paramref name="offset"/> and those behind it in the same segment lie; reads the
    /// segment's index when memory does not know.
    /// </summary>
    /// <returns>How many were found, with the offset that theirs count from; 0 when the event is nowhere.</returns>
    public int Locate(long offset, Span<Extent> into, out Segment? segment, out long firstOffset)
    {
        int start, count;
        lock (Gate)
        {
            segment = null;
            firstOffset = 0;
            var at = FindPart(offset);
            if (at < 0) return 0;
            ref readonly var part = ref _parts[at];
            (segment, firstOffset, start, count) = (part.Segment, part.FirstOffset, part.IndexStart, part.Count);
            if (part.Extents is not null)
            {
                var found = Extent.Find(part.InMemory, offset - part.FirstOffset);
                if (found < 0) return 0;
                var extents = part.InMemory[found..];
                extents = extents[..Math.Min(extents.Length, into.Length)];
                extents.CopyTo(into);
                return extents.Length;
            }
        }

        return segment.Index!.ReadExtents(start, count, offset - firstOffset, into);
    }

    /// <summary>Where the create record lies, which holds the metadata.</summary>
    public (Segment Segment, long Position, int Length) CreateRecord()
    {
        lock (Gate) return (_parts[0].Segment, _createPosition, _createLength);
    }

    /// <summary>Lets go of the segments: the stream is gone. Once.</summary>
    public void ReleaseSegments()
    {
        StreamPart[] parts;
        lock (Gate) parts = _parts; // they stay: a segment that is still to be indexed has to say how this stream ended
        var (first, last) = (parts[0].Segment, parts[^1].Segment);
        if (last != first) first.ReleaseAfterThis(last);
        foreach (var beginning in _beginnings ?? [])
        {
            last.Hold();
            beginning.ReleaseAfterThis(last);
        }

        foreach (var part in parts)
        {
            if (part.Segment != last || last == first) part.Segment.Release();
        }
    }

    private static long EventBytes(in RecordHeader record) => record.Length - RecordHeader.Size - ((long)record.Count * sizeof(int));

    private int FindPart(long offset)
    {
        for (var at = _parts.Length - 1; at >= 0; at--)
        {
            if (_parts[at].FirstOffset <= offset) return at;
        }

        return -1;
    }

    private int FindPart(Segment segment)
    {
        for (var at = _parts.Length - 1; at >= 0; at--)
        {
            if (_parts[at].Segment == segment) return at;
        }

        return -1;
    }

    private ref StreamPart PartIn(Segment segment, long? firstOffset = null)
    {
        if (_parts.Length > 0 && _parts[^1].Segment == segment) return ref _parts[^1];
        var parts = new StreamPart[_parts.Length + 1];
        _parts.CopyTo(parts, 0);
        parts[^1] = new StreamPart(segment, firstOffset ?? NextOffset, Epoch);
        _parts = parts;
        segment.Hold();
        segment.Streams.Add(this);
        return ref _parts[^1];
    }
}
