using System.Buffers;

namespace Penstock.Streams.Disk;

/// <summary>
/// A cursor on one stream of the disk store. A live one copies records from the ring; one that lags reads a run of them from
/// file, on the thread pool. It holds a buffer only while it has events at hand, and the stream until it is disposed.
/// </summary>
internal sealed class DiskStreamReader(DiskStreamLog log, DiskStream stream, long offset)
    : WaitingReader(stream, offset), IThreadPoolWorkItem
{
    // Who has just come here often wants what stands here and no more; who goes on gets ever more at a time.
    private const int FewRecords = 8;

    private int _most = FewRecords;
    private byte[]? _buffer; // whole records of this stream, one behind the other
    private int _end;
    private int _record; // where the current one begins
    private int _count; // its events
    private int _last; // how many of them are this stream's
    private int _index; // the next of them
    private DiskStream _owner = null!; // who has the records here: a fork begins with those of its source
    private long _ownersEnd = -1; // where they end for this reader
    private bool _isDisposed;

    public override bool TryRead(out StreamEvent streamEvent)
    {
        if (!IsAtHand() && !TryTakeFromRing())
        {
            streamEvent = default;
            return false;
        }

        streamEvent = new StreamEvent(NextOffset++, RecordFormat.Event(_buffer.AsSpan(_record), _count, _index++));
        return true;
    }

    public override void SkipTo(long offset)
    {
        base.SkipTo(offset);
        _most = FewRecords;
        Drop();
    }

    public override void Dispose()
    {
        base.Dispose();
        Drop();
        if (Interlocked.Exchange(ref _isDisposed, true)) return;
        stream.LetGo();
    }

    protected override bool BringToHand()
    {
        if (IsAtHand() || TryTakeFromRing()) return true;
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: true);
        return false;
    }

    /// <summary>The read from file.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        try
        {
            FindOwner();
            var length = RecordRun.Read(_owner, NextOffset, _most, out var buffer);
            _most = Math.Min(2 * _most, RecordRun.MostRecords);
            _buffer = buffer;
            Hold(length);
        }
        catch (Exception) when (stream.IsGone || NextOffset < stream.FirstOffset)
        {
            // Its segment may be deleted while it is read.
        }
        catch (Exception e)
        {
            Fail(e is IOException ? new StreamStorageException($"Reading '{stream.Path}' failed: {e.Message}", e) : e);
            return;
        }

        Complete(stream.IsGone ? StreamWait.Gone : NextOffset < stream.FirstOffset && _buffer is null ? StreamWait.Behind : StreamWait.Ready);
    }

    private bool IsAtHand()
    {
        if (_buffer is null) return false;
        if (stream.IsGone)
        {
            Drop();
            return false;
        }

        if (_index < _last) return true;
        var next = _record + RecordFormat.Align(RecordHeader.Read(_buffer.AsSpan(_record)).Length);
        if (next < _end && NextOffset < _ownersEnd && RecordHeader.Read(_buffer.AsSpan(next)).FirstOffset == NextOffset) // damage may have left a gap
        {
            Enter(next);
            return true;
        }

        Drop();
        return false;
    }

    private bool TryTakeFromRing()
    {
        if (NextOffset >= stream.NextOffset || NextOffset < stream.FirstOffset || stream.IsGone) return false;
        FindOwner();
        if (!_owner.TryLocate(NextOffset, out var position, out var length)) return false;
        _buffer = ArrayPool<byte>.Shared.Rent(length);
        if (log.Commit.Ring.TryCopy(position, _buffer.AsSpan(0, length)))
        {
            var header = RecordHeader.Read(_buffer);
            if (NextOffset < header.FirstOffset + header.Count)
            {
                Hold(length);
                return true;
            }
        }

        Drop();
        return false;
    }

    private void Hold(int length)
    {
        _end = length;
        Enter(0);
    }

    private void Enter(int record)
    {
        var header = RecordHeader.Read(_buffer.AsSpan(record));
        _record = record;
        _count = header.Count;
        _last = (int)Math.Min(_count, _ownersEnd - header.FirstOffset);
        _index = (int)(NextOffset - header.FirstOffset);
    }

    private void FindOwner()
    {
        if (NextOffset < _ownersEnd) return;
        _owner = stream;
        _ownersEnd = long.MaxValue;
        while (_owner.Terms is { } terms && NextOffset < terms.ForkOffset)
        {
            _ownersEnd = Math.Min(_ownersEnd, terms.ForkOffset); // a fork of a fork may have begun before that one did
            _owner = (DiskStream?)terms.Source ?? throw new StreamCorruptException($"The stream that '{stream.Path}' begins with is lost.");
        }
    }

    private void Drop()
    {
        if (_buffer is null) return;
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = null;
    }
}
