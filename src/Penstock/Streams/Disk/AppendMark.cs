using System.Buffers.Binary;
using System.Text;

namespace Penstock.Streams.Disk;

/// <summary>
/// What an append to a shared stream says of itself, as its record keeps it behind the events: i64 epoch, i64 seq, i32
/// length of the producer's id, i32 length of the sequence (-1 for none), the id, the sequence.
/// </summary>
internal static class AppendMark
{
    private const int IdStart = (2 * sizeof(long)) + (2 * sizeof(int));

    public static byte[] Write(in StreamAppend append)
    {
        if (append is { ProducerId: null, Sequence: null }) return [];
        var idLength = append.ProducerId is { } id ? Encoding.UTF8.GetByteCount(id) : -1;
        var sequenceLength = append.Sequence is { } sequence ? Encoding.UTF8.GetByteCount(sequence) : -1;
        var mark = new byte[IdStart + Math.Max(idLength, 0) + Math.Max(sequenceLength, 0)];
        BinaryPrimitives.WriteInt64LittleEndian(mark, append.ProducerEpoch);
        BinaryPrimitives.WriteInt64LittleEndian(mark.AsSpan(sizeof(long)), append.ProducerSeq);
        BinaryPrimitives.WriteInt32LittleEndian(mark.AsSpan(2 * sizeof(long)), idLength);
        BinaryPrimitives.WriteInt32LittleEndian(mark.AsSpan((2 * sizeof(long)) + sizeof(int)), sequenceLength);
        Encoding.UTF8.GetBytes(append.ProducerId ?? "", mark.AsSpan(IdStart));
        Encoding.UTF8.GetBytes(append.Sequence ?? "", mark.AsSpan(IdStart + Math.Max(idLength, 0)));
        return mark;
    }

    /// <summary>Reads the mark at the front of some bytes.</summary>
    public static StreamAppend Read(ReadOnlySpan<byte> bytes, out int length)
    {
        var idLength = BinaryPrimitives.ReadInt32LittleEndian(bytes[(2 * sizeof(long))..]);
        var sequenceLength = BinaryPrimitives.ReadInt32LittleEndian(bytes[((2 * sizeof(long)) + sizeof(int))..]);
        length = IdStart + Math.Max(idLength, 0) + Math.Max(sequenceLength, 0);
        return new StreamAppend
        {
            ProducerEpoch = BinaryPrimitives.ReadInt64LittleEndian(bytes),
            ProducerSeq = BinaryPrimitives.ReadInt64LittleEndian(bytes[sizeof(long)..]),
            ProducerId = idLength < 0 ? null : Encoding.UTF8.GetString(bytes.Slice(IdStart, idLength)),
            Sequence = sequenceLength < 0 ? null : Encoding.UTF8.GetString(bytes[(length - sequenceLength)..length]),
        };
    }
}
