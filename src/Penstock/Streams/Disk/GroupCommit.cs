using Microsoft.Extensions.Logging;

namespace Penstock.Streams.Disk;

/// <summary>
/// Brings records into the log, in one order, many with one write. A record is staged in the ring under a short lock. Who
/// finds nobody writing becomes the leader: it writes all that is staged, on its own thread and without the lock, and
/// returns; so an append that meets no other completes synchronously. What was staged meanwhile goes to the thread pool.
/// Under the power policy a thread of its own leads, for it waits for the device.
/// </summary>
internal sealed partial class GroupCommit : IThreadPoolWorkItem, IAsyncDisposable
{
    private enum Placement
    {
        /// <summary>Staged, and the caller leads.</summary>
        Lead,

        /// <summary>Staged; another writes it.</summary>
        Follow,

        /// <summary>No room until something changes.</summary>
        Wait,

        /// <summary>No room in this segment.</summary>
        NeedsSegment,

        /// <summary>Too large for the ring.</summary>
        GoesAlone,

        /// <summary>The stream does not take it; the record's error says why.</summary>
        Refused,
    }

    private readonly DiskStoreOptions _options;
    private readonly SegmentFolder _folder;
    private readonly ILogger _logger;
    private readonly StagingRing _ring;
    private readonly Thread? _committer;
    private readonly SemaphoreSlim _committerWork = new(0);

    private readonly Lock _gate = new();
    private Segment? _segment; // null at first, and after a failed write
    private PendingRecord? _first, _last; // staged and not yet taken by a leader
    private long _staged; // where the next record goes
    private long _written; // what lies below is on disk and known to its streams
    private bool _isLed;
    private bool _isExclusive; // one has the log for itself, or waits until the leader is done
    private bool _isDisposed;
    private TaskCompletionSource? _changed; // somebody waits for any of the above to change

    public GroupCommit(DiskStoreOptions options, SegmentFolder folder, long start, ILogger logger)
    {
        _options = options;
        _folder = folder;
        _logger = logger;
        _staged = _written = start;
        _ring = new StagingRing(options.RingBytes, start);
        if (options.Commit == CommitPolicy.Power)
        {
            _committer = new Thread(RunCommitter) { Name = "Penstock log commit", IsBackground = true };
            _committer.Start();
        }
    }

    /// <summary>What was written lately, for live readers.</summary>
    public StagingRing Ring => _ring;

    /// <summary>Writes a prepared record. When the task completes it is in the log and its stream's readers have been woken.</summary>
    public ValueTask CommitAsync(PendingRecord record, StreamBatch batch)
    {
        var checksum = record.Checksum(batch);
        Placement placement;
        lock (_gate) placement = Place(record, batch, checksum);
        switch (placement)
        {
            case Placement.Lead:
                LeadOne(record);
                return record.Error is null ? default : ValueTask.FromException(record.Error);
            case Placement.Follow:
                return record.Task;
            case Placement.Refused:
                return record.Error is null ? default : ValueTask.FromException(record.Error);
            default:
                return CommitSlowlyAsync(record, batch, checksum);
        }
    }

    /// <summary>Lets what is staged reach the disk, and finishes the segment.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_isDisposed) return;
            _isDisposed = true;
        }

        await EnterExclusiveAsync();
        _committerWork.Release();
        _committer?.Join();
        _committerWork.Dispose();
        if (RetireSegment() is { } last) _folder.SealLater(last);
        await _folder.WhenSealedAsync();
        LeaveExclusive(); // whoever waited is refused now
    }

    /// <summary>The leader's turn on the thread pool: what was staged while the last one wrote.</summary>
    void IThreadPoolWorkItem.Execute() => LeadOne(own: null);

    /// <summary>Under the gate.</summary>
    private Placement Place(PendingRecord record, StreamBatch batch, uint checksum)
    {
        if (_isDisposed)
        {
            record.Error = new ObjectDisposedException(nameof(DiskStreamLog));
            return Placement.Refused;
        }

        if (_isExclusive) return Placement.Wait;
        var end = _staged + RecordFormat.Align(record.Header.Length);
        if (!HasRoomFor(record)) return Placement.NeedsSegment;
        if (record.Header.Length > _ring.Size / 4) return Placement.GoesAlone;
        if (end - _written > _ring.Size) return Placement.Wait;
        switch (Admit(record, batch, checksum))
        {
            case Admission.Refused: return Placement.Refused;
            case Admission.Wait: return Placement.Wait;
        }

        _ring.Claim(end);
        record.WriteTo(_ring, batch);
        _staged = end;
        record.Next = null;
        if (_last is null) _first = record;
        else _last.Next = record;
        _last = record;
        if (_isLed) return Placement.Follow;
        _isLed = true;
        if (_committer is null) return Placement.Lead;
        _committerWork.Release();
        return Placement.Follow;
    }

    private bool HasRoomFor(PendingRecord record) =>
        _segment is { } segment
        && _staged + RecordFormat.Align(record.Header.Length) <= (record.MayUseReserve ? segment.HardLimit : segment.OrdinaryLimit);

    /// <summary>Asks the stream whether it takes the record, and gives it its place in the log. Under the gate.</summary>
    private Admission Admit(PendingRecord record, StreamBatch batch, uint checksum)
    {
        var admission = record.Admit(batch, _options.MaxStreamBytes);
        if (admission != Admission.Taken) return admission;
        record.Position = _staged;
        record.Header.Checksum = RecordFormat.Seal(checksum, record.Header, _staged, _segment!.Salt);
        return admission;
    }

    /// <summary>Writes what is staged, once. Its own record, if it has one, completes with the return; the others' elsewhere.</summary>
    private void LeadOne(PendingRecord? own)
    {
        var (round, more) = CommitRound();
        PendingRecord? kept = own;
        for (var record = round; record is not null;)
        {
            var next = record.Next; // its writer may use it anew as soon as it is announced
            record.Next = null;
            if (record == own || (own is null && next is null)) kept = record;
            else ThreadPool.UnsafeQueueUserWorkItem(record, preferLocal: true);
            record = next;
        }

        // The next round does not wait for this one's readers, nor they for it.
        if (more) ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        if (own is null) kept?.Announce();
        else if (own.Error is null) own.Stream.WakeReaders();
    }

    private void RunCommitter()
    {
        while (true)
        {
            _committerWork.Wait();
            var more = true;
            lock (_gate) more = _isLed;
            if (!more) return; // disposed
            while (more)
            {
                (var round, more) = CommitRound();
                while (round is not null)
                {
                    var record = round;
                    (round, record.Next) = (record.Next, null);
                    ThreadPool.UnsafeQueueUserWorkItem(record, preferLocal: false);
                }
            }
        }
    }

    /// <summary>Writes what is staged and lets the streams take it in, in order. The caller leads, and goes on leading if there is more.</summary>
    private (PendingRecord? Records, bool More) CommitRound()
    {
        PendingRecord? round;
        long from, to;
        Segment segment;
        lock (_gate)
        {
            (round, from, to, segment) = (_first, _written, _staged, _segment!);
            _first = _last = null;
        }

        Exception? failure = null;
        try
        {
            _ring.WriteTo(segment.File, from - segment.Base, from, to);
            Sync(segment);
        }
        catch (Exception e)
        {
            failure = e;
            _folder.TryCut(segment, from);
        }

        if (failure is not null) return (Fail(round, failure), More: false);
        for (var record = round; record is not null; record = record.Next) record.Apply(segment);
        lock (_gate)
        {
            _written = to;
            _isLed = _first is not null;
            Changed();
            return (round, _isLed);
        }
    }

    private void Sync(Segment segment)
    {
        _options.AfterWrite?.Invoke();
        if (_options.Commit == CommitPolicy.Power) DiskSync.Data(segment.File);
    }

    /// <summary>
    /// Refuses the records of a failed write, and those staged behind it, whose places in the log depended on it. Nobody
    /// can say what of them reached the disk, so the segment ends before them and the next append begins another.
    /// </summary>
    private PendingRecord? Fail(PendingRecord? round, Exception failure)
    {
        Segment? segment;
        lock (_gate)
        {
            if (round is null) round = _first;
            else
            {
                var last = round;
                while (last.Next is not null) last = last.Next;
                last.Next = _first;
            }

            _first = _last = null;
            for (var record = round; record is not null; record = record.Next)
            {
                record.Stream.Forget(record.Header);
                record.Error = WriteError(failure);
            }

            segment = RetireAfterFailure();
            _isLed = false;
            Changed();
        }

        if (segment is not null) Abandon(segment, failure);
        return round;
    }

    private void Abandon(Segment segment, Exception failure)
    {
        _logger.WriteFailed(failure, segment.Path);
        _folder.SealLater(segment);
    }

    private StreamStorageException WriteError(Exception failure) =>
        new($"Writing to the stream store in '{_options.Folder}' failed: {failure.Message}", failure);

    private Segment? RetireSegment()
    {
        var segment = _segment;
        if (segment is not null) segment.End = _written;
        _segment = null;
        return segment;
    }

    /// <summary>The next segment begins a little behind this one's end, so that no record left there can seem to fit in between.</summary>
    private Segment? RetireAfterFailure()
    {
        var segment = RetireSegment();
        _staged = _written += RecordFormat.Alignment;
        return segment;
    }
}
