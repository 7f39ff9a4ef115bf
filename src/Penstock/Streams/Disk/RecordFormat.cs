using System.Runtime.InteropServices;

namespace Penstock.Streams.Disk;

internal enum RecordKind : byte
{
    /// <summary>A stream begins. Its one blob is a <see cref="CreateBody"/>; Time is when.</summary>
    Create = 1,

    /// <summary>Events, the last of the stream when the record closes it; Time is then when. An <see cref="AppendMark"/> may follow.</summary>
    Append = 2,

    /// <summary>A new writer, of the record's epoch.</summary>
    TakeOver = 3,

    /// <summary>The stream is no more.</summary>
    Delete = 4,

    /// <summary>
    /// The events of a shared stream below FirstOffset are not kept any more. Says all that earlier records said of the
    /// stream, for those may go: a <see cref="CreateBody"/>, then <see cref="SegmentMarks"/>, and whether it is closed. Time is when it was created.
    /// </summary>
    Trim = 5,
}

/// <summary>
/// The head of a record as it lies on disk, little-endian. Behind it: for each event a u32 that says where it ends in the
/// bytes that follow, then those bytes, then the mark. Records begin at multiples of 8.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct RecordHeader
{
    public const int Size = 48;

    /// <summary>"PSL2": Penstock stream log, format 2.</summary>
    public const uint MagicNumber = 0x324C5350;

    public uint Magic;
    public uint Checksum;
    public int Length;
    public RecordKind Kind;
    private Flags _flags;
    public ushort MarkLength;
    public long Stream;
    public long FirstOffset;
    public int Epoch;
    public int Count;
    public long Time;

    [Flags]
    private enum Flags : byte
    {
        None = 0,
        Closes = 1,
        Unfinished = 2,
    }

    public bool Closes
    {
        readonly get => _flags.HasFlag(Flags.Closes);
        set => _flags = value ? _flags | Flags.Closes : _flags & ~Flags.Closes;
    }

    /// <summary>Of a create record: the stream is there only once its first append is, too.</summary>
    public bool IsUnfinished
    {
        readonly get => _flags.HasFlag(Flags.Unfinished);
        set => _flags = value ? _flags | Flags.Unfinished : _flags & ~Flags.Unfinished;
    }

    public static RecordHeader Read(ReadOnlySpan<byte> bytes) => MemoryMarshal.Read<RecordHeader>(bytes);

    public readonly void Write(Span<byte> bytes) => MemoryMarshal.Write(bytes, in this);
}

/// <summary>How records are laid out, sealed against damage, and read back.</summary>
internal static class RecordFormat
{
    public const int Alignment = 8;

    private const int ChecksumStart = 8; // behind magic and checksum

    public static int Align(int length) => (length + Alignment - 1) & -Alignment;

    public static long LengthOf(StreamBatch batch) => RecordHeader.Size + (long)batch.Count * sizeof(int) + batch.Bytes.Length;

    /// <summary>The checksum of all that follows the header, which takes time with a large record; <see cref="Seal"/> adds the rest.</summary>
    public static uint Checksum(ReadOnlySpan<byte> ends, ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> mark) =>
        Crc32C.Append(Crc32C.Append(Crc32C.Append(0, ends), bytes), mark);

    /// <summary>
    /// Adds the header to a checksum, and binds it to where the record lies, so that neither a stale nor a copied record, not
    /// even one that a client put inside an event, is ever taken for a record of this place.
    /// </summary>
    public static uint Seal(uint checksum, in RecordHeader header, long position, uint salt)
    {
        Span<byte> head = stackalloc byte[RecordHeader.Size + sizeof(long) + sizeof(uint)];
        header.Write(head);
        MemoryMarshal.Write(head[RecordHeader.Size..], in position);
        MemoryMarshal.Write(head[(RecordHeader.Size + sizeof(long))..], in salt);
        return Crc32C.Append(checksum, head[ChecksumStart..]);
    }

    /// <summary>Reads the header of the record at the front of <paramref name="bytes"/> if all of it is there and undamaged.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, long position, uint salt, out RecordHeader header)
    {
        if (!TryReadHeader(bytes, out header)) return false;
        return header.Checksum == Seal(Crc32C.Append(0, bytes[RecordHeader.Size..header.Length]), header, position, salt);
    }

    /// <summary>Reads a header that makes sense by itself; whether it is true only the checksum tells.</summary>
    public static bool TryReadHeader(ReadOnlySpan<byte> bytes, out RecordHeader header)
    {
        header = default;
        if (bytes.Length < RecordHeader.Size) return false;
        header = RecordHeader.Read(bytes);
        return header.Magic == RecordHeader.MagicNumber
            && header.Length >= RecordHeader.Size
            && header.Length <= bytes.Length
            && header.Kind is >= RecordKind.Create and <= RecordKind.Trim
            && header.Count >= 0
            && header.Count <= (header.Length - RecordHeader.Size - header.MarkLength) / sizeof(int);
    }

    /// <summary>What a whole, verified record says of its append.</summary>
    public static StreamAppend Mark(ReadOnlySpan<byte> record, in RecordHeader header) =>
        header.MarkLength == 0 ? default : AppendMark.Read(record[(header.Length - header.MarkLength)..header.Length], out _);

    /// <summary>Event <paramref name="index"/> of a whole, verified record.</summary>
    public static ReadOnlySpan<byte> Event(ReadOnlySpan<byte> record, int count, int index)
    {
        var ends = MemoryMarshal.Cast<byte, int>(record.Slice(RecordHeader.Size, count * sizeof(int)));
        var start = index == 0 ? 0 : ends[index - 1];
        return record.Slice(RecordHeader.Size + (count * sizeof(int)) + start, ends[index] - start);
    }
}
