namespace Penstock.Streams.Disk;

/// <summary>
/// A stream that has ended, whose extents are all in the indexes of segments, and that nobody reads. As there are as many as are
/// retained, it is kept smaller than one in use; what is here is what <see cref="DiskStream"/> cannot do without.
/// </summary>
internal sealed class RestingStream : RestingEntry<DiskStream>
{
    private readonly long _number;
    private readonly long _createdAt;
    private readonly long _closedAt;
    private readonly TimeSpan _retention;
    private readonly object _parts; // the segment of one that is in a single one, or all parts
    private readonly uint _createPosition; // in the first one
    private readonly int _createLength;
    private readonly int _bytes;
    private readonly int _nextOffset;
    private readonly int _epoch;
    private readonly int _indexStart;
    private readonly int _count;

    public RestingStream(DiskStream stream, long closedAt, long createPosition, int createLength, StreamPart[] parts)
    {
        _number = stream.Number;
        _createdAt = stream.CreatedAt.UtcTicks;
        _closedAt = closedAt;
        _retention = stream.Retention;
        _bytes = (int)stream.Bytes;
        (_createPosition, _createLength) = ((uint)(createPosition - parts[0].Segment.Base), createLength);
        _nextOffset = (int)stream.NextOffset;
        _epoch = stream.Epoch;
        if (parts is [var only] && IsPlain(only))
        {
            _parts = only.Segment;
            (_indexStart, _count) = (only.IndexStart, only.Count);
        }
        else
        {
            _parts = parts;
        }
    }

    public override long Number => _number;

    public override DateTimeOffset? ExpiresAt => EndOf(_closedAt, _retention);

    public override DiskStream Wake(string path)
    {
        var parts = _parts as StreamPart[] ?? [new StreamPart((Segment)_parts, 0, _epoch) { Count = _count, Events = PartEvents.Created | PartEvents.Closed, Bytes = _bytes }];
        if (_parts is Segment) parts[0].MoveToIndex(_indexStart);
        return new DiskStream(path, _number, new DateTimeOffset(_createdAt, TimeSpan.Zero), _retention, (_closedAt, _nextOffset, _epoch, _bytes), (parts[0].Segment.Base + _createPosition, _createLength), parts);
    }

    /// <summary>Adds the segments that hold something of this stream.</summary>
    public void CollectSegments(HashSet<Segment> into)
    {
        if (_parts is Segment only) into.Add(only);
        else foreach (ref readonly var part in ((StreamPart[])_parts).AsSpan()) into.Add(part.Segment);
    }

    public bool IsIn(Segment segment) => _parts as Segment == segment || (_parts is StreamPart[] parts && Array.Exists(parts, part => part.Segment == segment));

    // What can be said of it without its part, all of it being there.
    private bool IsPlain(in StreamPart part) =>
        part.FirstOffset == 0 && part.Epoch == _epoch && part.Bytes == _bytes && part.Events == (PartEvents.Created | PartEvents.Closed);
}
