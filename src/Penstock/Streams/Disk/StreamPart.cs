using System.Runtime.InteropServices;

namespace Penstock.Streams.Disk;

/// <summary>Where one append record of a stream lies, relative to its part of the stream and to its segment.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly struct Extent(uint firstOffset, uint position, int length)
{
    public const int Size = 12;

    public readonly uint FirstOffset = firstOffset;
    public readonly uint Position = position;
    public readonly int Length = length;

    /// <summary>The last of the extents, sorted by offset, that begins at or before <paramref name="offset"/>; -1 if none does.</summary>
    public static int Find(ReadOnlySpan<Extent> extents, long offset)
    {
        int low = 0, high = extents.Length;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (extents[middle].FirstOffset <= offset) low = middle + 1;
            else high = middle;
        }

        return low - 1;
    }
}

[Flags]
internal enum PartEvents
{
    None = 0,
    Created = 1,
    Closed = 2,
    Deleted = 4,

    /// <summary>Created, and there only once its first events are.</summary>
    Unfinished = 8,

    /// <summary>What was before was trimmed.</summary>
    Trimmed = 16,
}

/// <summary>
/// What one segment holds of one stream. While the segment grows the extents are in memory; once it is sealed they are in
/// the segment's index, from <see cref="IndexStart"/> on.
/// </summary>
internal struct StreamPart(Segment segment, long firstOffset, int epoch)
{
    // Enough for a short answer: an array that grows later is young and hangs on an old one, which lengthens collections.
    private const int FirstExtents = 12;

    public readonly Segment Segment = segment;

    /// <summary>The offset of the first event that is here, or that came next when something else was written here.</summary>
    public readonly long FirstOffset = firstOffset;

    /// <summary>Null once the extents are in the segment's index.</summary>
    public Extent[]? Extents = [];

    public int Count;
    public int IndexStart;

    /// <summary>The latest writer's, as of the end of this segment.</summary>
    public int Epoch = epoch;

    public PartEvents Events;

    /// <summary>Of the events, and what belongs to them.</summary>
    public long Bytes;

    public readonly ReadOnlySpan<Extent> InMemory => Extents.AsSpan(0, Count);

    public void Add(long firstOffset, long position, int length)
    {
        if (Count == Extents!.Length) Array.Resize(ref Extents, Math.Max(FirstExtents, Count * 2));
        Extents[Count++] = new Extent((uint)(firstOffset - FirstOffset), (uint)(position - Segment.Base), length);
    }

    /// <summary>The stream was closed: nothing is added any more.</summary>
    public void TrimExcess()
    {
        if (Extents is not null && Count < Extents.Length) Array.Resize(ref Extents, Count);
    }

    public void MoveToIndex(int start)
    {
        Extents = null;
        IndexStart = start;
    }
}
