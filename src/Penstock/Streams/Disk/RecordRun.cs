using System.Buffers;

namespace Penstock.Streams.Disk;

/// <summary>Reads records of one stream from file, as many as a buffer holds, verifying each.</summary>
internal static class RecordRun
{
    /// <summary>What a reader holds while its consumer is slow, so no more than is worth one trip to the thread pool.</summary>
    private const int BufferSize = 16 << 10;

    /// <summary>The most that are read at a time.</summary>
    public const int MostRecords = 128;

    /// <summary>Records that lie closer together than this are read at once, with what is between them.</summary>
    private const int WorthReading = 4096;

    /// <summary>Reads the record with the event at <paramref name="offset"/> and those behind it into a rented buffer, one behind the other.</summary>
    /// <param name="stream">Whose.</param>
    /// <param name="offset">The event.</param>
    /// <param name="most">How many at most, up to <see cref="MostRecords"/>.</param>
    /// <param name="buffer">The buffer.</param>
    /// <returns>How many bytes of the buffer they take.</returns>
    /// <exception cref="StreamCorruptException">The first record is damaged or missing. One behind it only ends the run.</exception>
    public static int Read(DiskStream stream, long offset, int most, out byte[] buffer)
    {
        var extents = (stackalloc Extent[MostRecords])[..most];
        var found = stream.Locate(offset, extents, out var segment, out var firstOffset);
        if (found == 0 || segment is null) throw Missing(stream, offset);
        extents = extents[..found];
        buffer = ArrayPool<byte>.Shared.Rent(Math.Max(RecordFormat.Align(extents[0].Length), LengthOf(extents)));
        try
        {
            var end = 0;
            while (!extents.IsEmpty && ReadNear(segment, extents, buffer.AsSpan(end)) is > 0 and var near)
            {
                var start = extents[0].Position;
                var to = end;
                foreach (ref readonly var extent in extents[..near])
                {
                    var from = end + (int)(extent.Position - start);
                    if (!IsWhole(stream, segment, extent, buffer.AsSpan(from, extent.Length), firstOffset))
                    {
                        if (to == 0) throw Damaged(stream, segment, extent, offset);
                        return to;
                    }

                    if (to == 0 && !Holds(buffer.AsSpan(from), offset)) throw Missing(stream, offset);

                    buffer.AsSpan(from, extent.Length).CopyTo(buffer.AsSpan(to));
                    to += RecordFormat.Align(extent.Length);
                }

                end = to;
                extents = extents[near..];
            }

            return end;
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
    }

    private static int LengthOf(ReadOnlySpan<Extent> extents)
    {
        long length = 0;
        foreach (ref readonly var extent in extents) length += RecordFormat.Align(extent.Length);
        return (int)Math.Min(length, BufferSize);
    }

    /// <summary>Reads one stretch of the file with the first of the extents and those near it.</summary>
    /// <returns>How many there were room for.</returns>
    private static int ReadNear(Segment segment, ReadOnlySpan<Extent> extents, Span<byte> into)
    {
        var start = extents[0].Position;
        var count = 0;
        long end = start;
        while (count < extents.Length && extents[count].Position - end <= WorthReading)
        {
            var next = extents[count].Position + (long)RecordFormat.Align(extents[count].Length);
            if (next - start > into.Length) break;
            end = next;
            count++;
        }

        if (count > 0) RandomAccess.Read(segment.File, into[..(int)(end - start)], start);
        return count;
    }

    private static bool IsWhole(DiskStream stream, Segment segment, in Extent extent, ReadOnlySpan<byte> bytes, long firstOffset) =>
        RecordFormat.TryRead(bytes, segment.Base + extent.Position, segment.Salt, out var header)
        && header.Length == extent.Length
        && header.Kind == RecordKind.Append
        && header.Stream == stream.Number
        && header.FirstOffset == firstOffset + extent.FirstOffset;

    private static bool Holds(ReadOnlySpan<byte> record, long offset)
    {
        var header = RecordHeader.Read(record);
        return offset >= header.FirstOffset && offset < header.FirstOffset + header.Count;
    }

    private static StreamCorruptException Damaged(DiskStream stream, Segment segment, in Extent extent, long offset) =>
        new($"Event {offset} of '{stream.Path}' cannot be read: its record at {extent.Position} of {segment.Path} is damaged.");

    private static StreamCorruptException Missing(DiskStream stream, long offset) =>
        new($"Event {offset} of '{stream.Path}' cannot be read: its record was damaged.");
}
