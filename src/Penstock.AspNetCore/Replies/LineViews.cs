using System.Buffers;
using System.Text;
using System.Text.Json;
using Penstock.Generations;
using Penstock.Protocols;
using Penstock.Protocols.Native;
using Penstock.Streams;

namespace Penstock.AspNetCore.Replies;

/// <summary>A stream whose frames are JSON alone, as bare lines (NDJSON): Ollama's.</summary>
internal sealed class LinesView : EventView
{
    public static readonly LinesView Instance = new();

    public override string ContentType => StreamHeaders.Lines;

    public override void Write(Subscription from, StreamEvent record, int skip, IBufferWriter<byte> output) => WriteLines(EventRecord.Frames(record.Data), output);

    public override void WriteHeartbeat(ClientProtocol protocol, IBufferWriter<byte> output)
    {
        var frames = new ArrayBufferWriter<byte>();
        protocol.WriteHeartbeat(frames);
        WriteLines(frames.WrittenSpan, output);
    }

    public override void WriteFailure(ClientProtocol protocol, GenerationError error, IBufferWriter<byte> output)
    {
        var frames = new ArrayBufferWriter<byte>();
        Origin.WriteFailure(protocol, error, frames);
        WriteLines(frames.WrittenSpan, output);
    }

    private static void WriteLines(ReadOnlySpan<byte> frames, IBufferWriter<byte> output)
    {
        while (DataFrames.TryTake(ref frames, out var json))
        {
            var writer = new SpanWriter(output.GetSpan(json.Length + 1));
            writer.Append(json);
            writer.Append("\n"u8);
            output.Advance(writer.Length);
        }
    }
}

/// <summary>The native events as lines of JSON; each ends with its id, <c>"eventId":"gen_….7"</c>, since there are no other fields.</summary>
internal sealed class NativeLinesView : EventView
{
    public static readonly NativeLinesView Instance = new();

    public override string ContentType => StreamHeaders.Lines;

    public override bool IsResumable => true;

    public override void Write(Subscription from, StreamEvent record, int skip, IBufferWriter<byte> output)
    {
        var json = EventRecord.Json(record.Data);
        if (NativeEventWriter.TypeOf(json).SequenceEqual("raw"u8)) return;
        WriteLine(json, from, record.Offset, EventRecord.TimeOf(record.Data), output);
    }

    public override void WriteHeartbeat(ClientProtocol protocol, IBufferWriter<byte> output) => output.Write("{\"type\":\"ping\"}\n"u8);

    public override void WriteFailure(ClientProtocol protocol, GenerationError error, IBufferWriter<byte> output)
    {
        NativeEventWriter.Write(Failed(error), output);
        output.Write("\n"u8);
    }

    public override ReadOnlyMemory<byte> WriteSnapshot(GenerationSnapshot snapshot)
    {
        var output = new ArrayBufferWriter<byte>();
        output.Write("{\"type\":\"snapshot\",\"snapshot\":"u8);
        using (var json = new Utf8JsonWriter(output)) GenerationSnapshotWriter.Write(snapshot, json);
        if (snapshot.Offset >= 0) output.Write(Encoding.ASCII.GetBytes($",\"eventId\":\"{new EventId(snapshot.Id, snapshot.Offset)}\""));
        output.Write("}\n"u8);
        return output.WrittenMemory;
    }

    private static void WriteLine(ReadOnlySpan<byte> json, Subscription from, long offset, TimeSpan? time, IBufferWriter<byte> output)
    {
        var writer = new SpanWriter(output.GetSpan(json.Length + from.Id.Length + 88));
        writer.Append(json[..^1]);
        if (time is not null)
        {
            writer.Append(",\"at\":"u8);
            writer.Append((from.Reader.CreatedAt + time.Value).ToUnixTimeMilliseconds());
        }

        writer.Append(",\"eventId\":\""u8);
        foreach (var c in from.Id) writer.Append([(byte)c]);
        writer.Append("."u8);
        writer.Append(offset);
        writer.Append("\"}\n"u8);
        output.Advance(writer.Length);
    }
}
