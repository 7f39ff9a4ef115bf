using System.Buffers.Binary;
using Penstock.Protocols;
using Penstock.Protocols.Native;
using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>
/// A generation's event as its stream keeps it: the length of the native JSON (4 bytes, little-endian), the native JSON,
/// and the frames that the protocol of the request shows for it. Where the length's highest bit is set, its time stands behind it:
/// the milliseconds since the stream was created (4 bytes, little-endian).
/// </summary>
internal static class EventRecord
{
    private const int LengthSize = 4;
    private const int TimeSize = 4;
    private const uint Timed = 1u << 31;

    public static ReadOnlySpan<byte> Json(ReadOnlySpan<byte> record)
    {
        var length = BinaryPrimitives.ReadUInt32LittleEndian(record);
        return record.Slice(HeaderSize(length), (int)(length & ~Timed));
    }

    public static ReadOnlySpan<byte> Frames(ReadOnlySpan<byte> record)
    {
        var length = BinaryPrimitives.ReadUInt32LittleEndian(record);
        return record[(HeaderSize(length) + (int)(length & ~Timed))..];
    }

    /// <summary>When the event was stored, since the stream was created; null where that is as good as when the one before it was.</summary>
    public static TimeSpan? TimeOf(ReadOnlySpan<byte> record) =>
        (BinaryPrimitives.ReadUInt32LittleEndian(record) & Timed) == 0 ? null : TimeSpan.FromMilliseconds(BinaryPrimitives.ReadUInt32LittleEndian(record[LengthSize..]));

    /// <summary>Whether the record is the generation's ending.</summary>
    public static bool IsEnding(ReadOnlySpan<byte> record)
    {
        var type = NativeEventWriter.TypeOf(Json(record));
        return type.SequenceEqual("finished"u8) || type.SequenceEqual("stopped"u8) || type.SequenceEqual("failed"u8) || type.SequenceEqual("interrupted"u8);
    }

    /// <summary>Begins a record: writes the event's JSON. What is written to the batch until its <see cref="StreamBatch.EndEvent"/> are the frames.</summary>
    /// <param name="batch">Takes it.</param>
    /// <param name="generationEvent">The event.</param>
    /// <param name="time">Its time, in milliseconds; negative for none.</param>
    public static void Begin(StreamBatch batch, in GenerationEvent generationEvent, long time = -1)
    {
        var header = time < 0 ? LengthSize : LengthSize + TimeSize;
        batch.GetSpan(header);
        batch.Advance(header);
        NativeEventWriter.Write(generationEvent, batch);
        var current = batch.Current;
        var length = (uint)(current.Length - header);
        BinaryPrimitives.WriteUInt32LittleEndian(current, time < 0 ? length : length | Timed);
        if (time >= 0) BinaryPrimitives.WriteUInt32LittleEndian(current[LengthSize..], (uint)Math.Min(time, uint.MaxValue));
    }

    private static int HeaderSize(uint length) => (length & Timed) == 0 ? LengthSize : LengthSize + TimeSize;

    /// <summary>Skips the first frames of a record's frames; each ends with a blank line, and none holds one.</summary>
    public static ReadOnlySpan<byte> SkipFrames(ReadOnlySpan<byte> frames, int count)
    {
        for (; count > 0 && !frames.IsEmpty; count--)
        {
            var end = frames.IndexOf("\n\n"u8);
            frames = end < 0 ? default : frames[(end + 2)..];
        }

        return frames;
    }
}
