using System.Buffers.Binary;
using Penstock.Protocols;
using Penstock.Protocols.Native;
using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>
/// A generation's event as its stream keeps it: the length of the native JSON (4 bytes, little-endian), the native JSON,
/// and the frames that the protocol of the request shows for it.
/// </summary>
internal static class EventRecord
{
    private const int HeaderSize = 4;

    public static ReadOnlySpan<byte> Json(ReadOnlySpan<byte> record) =>
        record.Slice(HeaderSize, BinaryPrimitives.ReadInt32LittleEndian(record));

    public static ReadOnlySpan<byte> Frames(ReadOnlySpan<byte> record) =>
        record[(HeaderSize + BinaryPrimitives.ReadInt32LittleEndian(record))..];

    /// <summary>Whether the record is the generation's ending.</summary>
    public static bool IsEnding(ReadOnlySpan<byte> record)
    {
        var type = NativeEventWriter.TypeOf(Json(record));
        return type.SequenceEqual("finished"u8) || type.SequenceEqual("stopped"u8) || type.SequenceEqual("failed"u8) || type.SequenceEqual("interrupted"u8);
    }

    /// <summary>Begins a record: writes the event's JSON. What is written to the batch until its <see cref="StreamBatch.EndEvent"/> are the frames.</summary>
    public static void Begin(StreamBatch batch, in GenerationEvent generationEvent)
    {
        batch.GetSpan(HeaderSize);
        batch.Advance(HeaderSize);
        NativeEventWriter.Write(generationEvent, batch);
        var current = batch.Current;
        BinaryPrimitives.WriteInt32LittleEndian(current, current.Length - HeaderSize);
    }

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
