namespace Penstock.Streams.Disk;

/// <summary>How it comes to rest when it has ended and nobody uses it, and is there again.</summary>
internal sealed partial class DiskStream
{
    private const int Resting = -1;

    private int _holders; // who reads it, or deletes it; or Resting

    /// <summary>One that has rested.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="number">Its number.</param>
    /// <param name="createdAt">When it was created.</param>
    /// <param name="retention">How long it is kept.</param>
    /// <param name="end">When it was closed, and with what.</param>
    /// <param name="create">Where its create record is.</param>
    /// <param name="parts">Where its events are; their segments are held for it.</param>
    public DiskStream(
        string path, long number, DateTimeOffset createdAt, TimeSpan retention,
        (long At, long NextOffset, int Epoch, long Bytes) end, (long Position, int Length) create, StreamPart[] parts)
        : this(path, number, createdAt, retention)
    {
        (_parts, _createPosition, _createLength) = (parts, create.Position, create.Length);
        (Epoch, _stagedEpoch, _bytes) = (end.Epoch, end.Epoch, end.Bytes);
        Publish(end.NextOffset);
        Close(end.At);
    }

    /// <summary>Keeps it from resting until <see cref="LetGo"/>. False when it rests: the catalog has another one in its place.</summary>
    public bool TryHold()
    {
        lock (Gate)
        {
            if (_holders == Resting) return false;
            _holders++;
            return true;
        }
    }

    public void LetGo()
    {
        lock (Gate) _holders--;
    }

    /// <summary>What it may be kept as from now on; null while somebody uses it, or more may come of it. This one is then not to be used.</summary>
    public RestingStream? TryRest()
    {
        lock (Gate)
        {
            if (!IsClosed || Terms is not null || _holders != 0 || IsGone || _isDeleting || IsWatched || _bytes > int.MaxValue || NextOffset > int.MaxValue) return null;
            foreach (ref readonly var part in _parts.AsSpan())
            {
                if (part.Extents is not null) return null;
            }

            _holders = Resting;
            return new RestingStream(this, ClosedAt, _createPosition, _createLength, _parts);
        }
    }
}
