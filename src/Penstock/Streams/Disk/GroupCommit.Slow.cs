using System.Buffers;

namespace Penstock.Streams.Disk;

/// <summary>The ways of a record that cannot simply be staged: waiting for room or certainty, a new segment, a record too large for the ring.</summary>
internal sealed partial class GroupCommit
{
    private async ValueTask CommitSlowlyAsync(PendingRecord record, StreamBatch batch, uint checksum)
    {
        while (true)
        {
            Placement placement;
            var changed = Task.CompletedTask;
            lock (_gate)
            {
                placement = Place(record, batch, checksum);
                if (placement == Placement.Wait) changed = WhenChanged();
            }

            switch (placement)
            {
                case Placement.Lead:
                    LeadOne(record);
                    if (record.Error is not null) throw record.Error;
                    return;
                case Placement.Follow:
                    await record.Task;
                    return;
                case Placement.Refused:
                    if (record.Error is not null) throw record.Error;
                    return;
                case Placement.Wait:
                    await changed;
                    break;
                case Placement.NeedsSegment:
                    await EnterExclusiveAsync();
                    try
                    {
                        await EnsureRoomAsync(record);
                    }
                    finally
                    {
                        LeaveExclusive();
                    }

                    break;
                case Placement.GoesAlone:
                    if (await TryCommitAloneAsync(record, batch, checksum)) return;
                    break;
            }
        }
    }

    /// <summary>Writes a record that is too large for the ring past it.</summary>
    /// <returns>False when it has to be tried again: nothing else is on its way now.</returns>
    private async ValueTask<bool> TryCommitAloneAsync(PendingRecord record, StreamBatch batch, uint checksum)
    {
        var length = RecordFormat.Align(record.Header.Length);
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        await EnterExclusiveAsync();
        try
        {
            await EnsureRoomAsync(record);
            Admission admission;
            lock (_gate) admission = Admit(record, batch, checksum);
            if (admission == Admission.Wait) return false;
            if (record.Error is not null) throw record.Error;
            if (admission == Admission.Refused) return true;
            record.WriteTo(buffer.AsSpan(0, length), batch);
            var segment = _segment!;
            try
            {
                await Task.Run(() =>
                {
                    RandomAccess.Write(segment.File, buffer.AsSpan(0, length), _written - segment.Base);
                    Sync(segment);
                });
            }
            catch (Exception e)
            {
                _folder.TryCut(segment, _written);
                lock (_gate)
                {
                    record.Stream.Forget(record.Header);
                    RetireAfterFailure();
                }

                Abandon(segment, e);
                throw WriteError(e);
            }

            _ring.SkipTo(_written + length); // before a reader can learn of the record, for it is not in the ring
            record.Apply(segment);
            lock (_gate) _staged = _written = _written + length;
        }
        finally
        {
            LeaveExclusive();
            ArrayPool<byte>.Shared.Return(buffer);
        }

        record.Stream.WakeReaders();
        return true;
    }

    /// <summary>Begins a new segment if this one has no room. The caller has the log for itself.</summary>
    /// <exception cref="StreamStorageException">The disk is full; this segment stays.</exception>
    private async ValueTask EnsureRoomAsync(PendingRecord record)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, typeof(DiskStreamLog));
        if (HasRoomFor(record)) return;
        var old = _segment;
        var start = old is not null && old.Base == _staged ? _staged + RecordFormat.Alignment : _staged; // no two begin at one place
        var capacity = Math.Max(_options.SegmentBytes, (long)RecordFormat.Align(record.Header.Length) + _options.ReserveBytes);
        var segment = await Task.Run(() =>
        {
            try
            {
                return _folder.Create(start, capacity, _options.ReserveBytes);
            }
            catch (StreamStorageException) when (record.MayUseReserve)
            {
                return _folder.Create(start, _options.ReserveBytes, _options.ReserveBytes);
            }
        });
        lock (_gate)
        {
            RetireSegment();
            _segment = segment;
            _staged = _written = start;
        }

        if (old is not null) _folder.SealLater(old);
    }

    /// <summary>Keeps everybody from staging, and waits until what is staged is written.</summary>
    private async ValueTask EnterExclusiveAsync()
    {
        var isMine = false;
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (!_isExclusive) _isExclusive = isMine = true;
                if (isMine && !_isLed) return;
                changed = WhenChanged();
            }

            await changed;
        }
    }

    private void LeaveExclusive()
    {
        lock (_gate)
        {
            _isExclusive = false;
            Changed();
        }
    }

    /// <summary>Under the gate.</summary>
    private Task WhenChanged() => (_changed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    /// <summary>Under the gate.</summary>
    private void Changed()
    {
        _changed?.SetResult();
        _changed = null;
    }
}
