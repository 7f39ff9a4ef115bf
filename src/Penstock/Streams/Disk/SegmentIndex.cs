using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Penstock.Streams.Disk;

/// <summary>What a segment holds of one stream, as its index says it. The body of its create record is there if it was created in it.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct IndexEntry
{
    public long Stream;
    public long FirstOffset;
    public long NextOffset;
    public long EventBytes;
    public long ClosedAt;
    public long CreatedAt;
    public long TrimmedTo;
    public uint CreatePosition;
    public int CreateLength;
    public int ExtentStart;
    public int ExtentCount;
    public int Epoch;
    public PartEvents Events;
    public int BodyStart;
    public int BodyLength;
    public int MarksStart;
    public int MarksLength;
}

[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct IndexHeader
{
    /// <summary>"PSI2": Penstock stream index, format 2.</summary>
    public const uint MagicNumber = 0x32495350;

    public uint Magic;
    public uint Checksum; // over everything behind it
    public long Base;
    public long End;
    public long WrittenUntil;
    public int Entries;
    public int Extents;
    public int TextBytes;
    private readonly int _unused;
}

/// <summary>
/// The side file of a sealed segment: an entry for each stream that has records in it, then the extents of all, then the
/// create records' bodies and the producers' marks. Built once; the start reads all of it, a reader only the extents that it needs.
/// </summary>
internal sealed class SegmentIndex
{
    public const string Extension = ".idx";
    public const string Unfinished = ".new";

    private const int ExtentsReadAtOnce = 128;

    private readonly string _path;
    private readonly long _extentsStart;

    private SegmentIndex(Segment segment, int entries)
    {
        _path = PathFor(segment.Path);
        _extentsStart = Marshal.SizeOf<IndexHeader>() + ((long)entries * Marshal.SizeOf<IndexEntry>());
    }

    public static string PathFor(string segmentPath) => Path.ChangeExtension(segmentPath, Extension);

    /// <summary>Writes the index of a segment that takes no more records, and moves the streams' extents out of memory.</summary>
    public static SegmentIndex Build(Segment segment)
    {
        var entries = new List<IndexEntry>(segment.Streams.Count);
        var extents = new List<Extent>();
        using var text = new MemoryStream();
        var streams = new List<DiskStream>(segment.Streams.Count);
        foreach (var stream in segment.Streams)
        {
            if (!stream.TryIndex(segment, extents, out var entry)) continue; // trimmed already
            streams.Add(stream);
            if (entry.Events.HasFlag(PartEvents.Created))
            {
                var body = CreateBody.Write(stream, stream.Terms is { } terms ? terms.Metadata.Span : default);
                (entry.BodyStart, entry.BodyLength) = ((int)text.Length, body.Length);
                text.Write(body);
            }

            entry.MarksStart = (int)text.Length;
            // A trim tells of every producer, for the segments that told of them before may be gone.
            stream.WriteMarks(entry.Events.HasFlag(PartEvents.Trimmed) ? 0 : entry.FirstOffset, entry.NextOffset, text);
            entry.MarksLength = (int)text.Length - entry.MarksStart;

            entries.Add(entry);
        }

        Write(segment, entries, extents, text.GetBuffer().AsSpan(0, (int)text.Length));
        var index = new SegmentIndex(segment, entries.Count);
        segment.BecomeSealed(index);
        for (var i = 0; i < entries.Count; i++) streams[i].MoveToIndex(segment, entries[i].ExtentStart);
        return index;
    }

    /// <summary>Reads the index of a segment if it is there and undamaged.</summary>
    public static bool TryLoad(Segment segment, out SegmentIndex? index, out IndexContent content)
    {
        index = null;
        if (!TryRead(PathFor(segment.Path), segment.Base, out content)) return false;
        index = new SegmentIndex(segment, content.Entries.Length);
        return true;
    }

    /// <summary>Where the records of the segment end, if its index is undamaged.</summary>
    public static long? TryReadEnd(string path, long basePosition) => TryRead(path, basePosition, out var content) ? content.End : null;

    private static bool TryRead(string path, long basePosition, out IndexContent content)
    {
        content = default;
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (FileNotFoundException)
        {
            return false;
        }

        if (bytes.Length < Marshal.SizeOf<IndexHeader>()) return false;
        var header = MemoryMarshal.Read<IndexHeader>(bytes);
        if (header.Magic != IndexHeader.MagicNumber || header.Base != basePosition) return false;
        if (header.Checksum != Crc32C.Append(0, bytes.AsSpan(2 * sizeof(uint)))) return false;
        content = new IndexContent(bytes, header);
        return true;
    }

    /// <summary>Reads the extents of a stream from the one that covers <paramref name="offset"/> on, which counts from its part's first.</summary>
    /// <returns>How many were read; 0 when none begins at or before the offset.</returns>
    public int ReadExtents(int start, int count, long offset, Span<Extent> into)
    {
        // Opened for the moment: there may be thousands of segments, and only readers that lag need this.
        using var file = File.OpenHandle(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        int low = 0, high = count;
        Span<Extent> probe = stackalloc Extent[1];
        while (high - low > ExtentsReadAtOnce)
        {
            var middle = (low + high) >>> 1;
            Read(file, start + middle, probe);
            if (probe[0].FirstOffset <= offset) low = middle;
            else high = middle;
        }

        Span<Extent> extents = stackalloc Extent[ExtentsReadAtOnce];
        extents = extents[..(high - low)];
        Read(file, start + low, extents);
        var found = Extent.Find(extents, offset);
        if (found < 0) return 0;
        into = into[..Math.Min(into.Length, count - low - found)];
        Read(file, start + low + found, into);
        return into.Length;
    }

    private static void Write(Segment segment, List<IndexEntry> entries, List<Extent> extents, ReadOnlySpan<byte> text)
    {
        var entryBytes = MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(entries));
        var extentBytes = MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(extents));
        var header = new IndexHeader
        {
            Magic = IndexHeader.MagicNumber,
            Base = segment.Base,
            End = segment.End,
            WrittenUntil = segment.WrittenUntil.UtcTicks,
            Entries = entries.Count,
            Extents = extents.Count,
            TextBytes = text.Length,
        };
        Span<byte> head = stackalloc byte[Marshal.SizeOf<IndexHeader>()];
        MemoryMarshal.Write(head, in header);
        header.Checksum = Crc32C.Append(Crc32C.Append(Crc32C.Append(Crc32C.Append(0, head[(2 * sizeof(uint))..]), entryBytes), extentBytes), text);
        MemoryMarshal.Write(head, in header);

        // Under a name of its own until it is whole.
        var target = PathFor(segment.Path);
        var unfinished = target + Unfinished;
        using (var file = new FileStream(unfinished, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0))
        {
            file.Write(head);
            file.Write(entryBytes);
            file.Write(extentBytes);
            file.Write(text);
        }

        File.Move(unfinished, target, overwrite: true);
    }

    private void Read(SafeFileHandle file, int extent, Span<Extent> into)
    {
        var bytes = MemoryMarshal.AsBytes(into);
        if (RandomAccess.Read(file, bytes, _extentsStart + ((long)extent * Extent.Size)) != bytes.Length)
            throw new StreamCorruptException("A segment's index is shorter than it was.");
    }
}

/// <summary>A whole index, read at the start.</summary>
internal readonly ref struct IndexContent(byte[] bytes, IndexHeader header)
{
    public long End => header.End;

    public DateTimeOffset WrittenUntil => new(header.WrittenUntil, TimeSpan.Zero);

    public ReadOnlySpan<IndexEntry> Entries =>
        MemoryMarshal.Cast<byte, IndexEntry>(bytes.AsSpan(Marshal.SizeOf<IndexHeader>(), header.Entries * Marshal.SizeOf<IndexEntry>()));

    public ReadOnlySpan<byte> BodyOf(in IndexEntry entry) => bytes.AsSpan(bytes.Length - header.TextBytes + entry.BodyStart, entry.BodyLength);

    public ReadOnlySpan<byte> MarksOf(in IndexEntry entry) => bytes.AsSpan(bytes.Length - header.TextBytes + entry.MarksStart, entry.MarksLength);
}
