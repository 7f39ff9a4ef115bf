using System.Buffers.Binary;

namespace Penstock.Streams.Disk;

/// <summary>What a segment's index says of a shared stream's producers: for each an i64, the stream's next offset after its last append, then the append's mark.</summary>
internal static class SegmentMarks
{
    /// <summary>Writes those that appended last between two offsets, which is what this segment has to tell.</summary>
    public static void Write(AppendLedger ledger, long from, long to, Stream output)
    {
        if (ledger.Sequence is { } sequence) Write(new StreamAppend { Sequence = sequence }, from, output);
        foreach (var (id, state) in ledger.Producers)
        {
            if (state.At < from || state.At > to) continue;
            Write(new StreamAppend { ProducerId = id, ProducerEpoch = state.Epoch, ProducerSeq = state.Seq }, state.At, output);
        }
    }

    public static StreamAppend ReadNext(ref ReadOnlySpan<byte> marks, out long at)
    {
        at = BinaryPrimitives.ReadInt64LittleEndian(marks);
        var append = AppendMark.Read(marks[sizeof(long)..], out var length);
        marks = marks[(sizeof(long) + length)..];
        return append;
    }

    private static void Write(in StreamAppend append, long at, Stream output)
    {
        Span<byte> number = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(number, at);
        output.Write(number);
        output.Write(AppendMark.Write(append));
    }
}
