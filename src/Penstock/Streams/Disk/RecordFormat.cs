using System.Runtime.InteropServices;

namespace Penstock.Streams.Disk;

internal enum RecordKind : byte
{
    /// <summary>A stream begins. Its one blob is a <see cref="CreateBody"/>; Time is when.</summary>
    Create = 1,

    /// <summary>Events, the last of the stream when the record closes it; Time is then when.</summary>
    Append = 2,

    /// <summary>A new writer, of the record's epoch.</summary>
    TakeOver = 3,

    /// <summary>The stream is no more.</summary>
    Delete = 4,
}

/// <summary>
/// The head of a record as it lies on disk, little-endian. Behind it: for each event a u32 that says where it ends in the
/// bytes that follow, then those bytes. Records begin at multiples of 8.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct RecordHeader
{
    public const int Size = 48;

    /// <summary>"PSL1": Penstock stream log, format 1.</summary>
    public const uint MagicNumber = 0x314C5350;

    public uint Magic;
    public uint Checksum;
    public int Length;
    public RecordKind Kind;
    private byte _closes;
    private readonly ushort _unused;
    public long Stream;
    public long FirstOffset;
    public int Epoch;
    public int Count;
    public long Time;

    public bool Closes
    {
        readonly get => _closes != 0;
        set => _closes = value ? (byte)1 : (byte)0;
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

    /// <summary>The checksum of a record but for its place, which <see cref="Place"/> adds.</summary>
    public static uint Checksum(in RecordHeader header, ReadOnlySpan<byte> ends, ReadOnlySpan<byte> bytes)
    {
        Span<byte> head = stackalloc byte[RecordHeader.Size];
        header.Write(head);
        return Crc32C.Append(Crc32C.Append(Crc32C.Append(0, head[ChecksumStart..]), ends), bytes);
    }

    /// <summary>
    /// Binds a checksum to where the record lies, so that neither a stale nor a copied record, not even one that a client
    /// put inside an event, is ever taken for a record of this place.
    /// </summary>
    public static uint Place(uint checksum, long position, uint salt)
    {
        Span<byte> place = stackalloc byte[sizeof(long) + sizeof(uint)];
        MemoryMarshal.Write(place, in position);
        MemoryMarshal.Write(place[sizeof(long)..], in salt);
        return Crc32C.Append(checksum, place);
    }

    /// <summary>Reads the header of the record at the front of <paramref name="bytes"/> if all of it is there and undamaged.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, long position, uint salt, out RecordHeader header)
    {
        if (!TryReadHeader(bytes, out header)) return false;
        return header.Checksum == Place(Crc32C.Append(0, bytes[ChecksumStart..header.Length]), position, salt);
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
            && header.Kind is >= RecordKind.Create and <= RecordKind.Delete
            && header.Count >= 0
            && header.Count <= (header.Length - RecordHeader.Size) / sizeof(int);
    }

    /// <summary>Event <paramref name="index"/> of a whole, verified record.</summary>
    public static ReadOnlySpan<byte> Event(ReadOnlySpan<byte> record, int count, int index)
    {
        var ends = MemoryMarshal.Cast<byte, int>(record.Slice(RecordHeader.Size, count * sizeof(int)));
        var start = index == 0 ? 0 : ends[index - 1];
        return record.Slice(RecordHeader.Size + (count * sizeof(int)) + start, ends[index] - start);
    }
}
