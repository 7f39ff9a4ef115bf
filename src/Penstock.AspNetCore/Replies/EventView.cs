using System.Buffers;
using System.Text.Json;
using Penstock.Generations;
using Penstock.Protocols;
using Penstock.Protocols.Native;
using Penstock.Sse;
using Penstock.Streams;

namespace Penstock.AspNetCore.Replies;

/// <summary>What a subscriber sees of a record.</summary>
internal abstract class EventView
{
    /// <summary>The frames of the protocol that the generation was asked for in, as they stand in the log.</summary>
    public static readonly EventView Origin = new OriginView();

    /// <summary>The native events, whatever protocol the generation was asked for in.</summary>
    public static readonly EventView Native = new NativeView();

    /// <summary>The media type of the reply.</summary>
    public virtual string ContentType => StreamHeaders.EventStream;

    /// <summary>Whether its clients come back by themselves when they are cut, so that a server that goes down need not tell them of an error.</summary>
    public virtual bool IsResumable => ContentType == StreamHeaders.EventStream;

    /// <summary>Writes a record's frames, but for the first <paramref name="skip"/>.</summary>
    public abstract void Write(Subscription from, StreamEvent record, int skip, IBufferWriter<byte> output);

    /// <summary>Writes a failure that the log could not take; it has no id.</summary>
    public abstract void WriteFailure(ClientProtocol protocol, GenerationError error, IBufferWriter<byte> output);

    /// <summary>What was said so far as one native event.</summary>
    public virtual ReadOnlyMemory<byte> WriteSnapshot(GenerationSnapshot snapshot)
    {
        var output = new ArrayBufferWriter<byte>();
        SseWriter.Event(output, "snapshot"u8);
        output.Write("data: "u8);
        using (var json = new Utf8JsonWriter(output)) GenerationSnapshotWriter.Write(snapshot, json);
        output.Write("\n"u8);
        if (snapshot.Offset >= 0) new EventId(snapshot.Id, snapshot.Offset).WriteLine(output);
        SseWriter.End(output);
        return output.WrittenMemory;
    }

    /// <summary>Writes a sign of life.</summary>
    public virtual void WriteHeartbeat(ClientProtocol protocol, IBufferWriter<byte> output) => SseWriter.Comment(output, "ping"u8);

    private sealed class OriginView : EventView
    {
        public override void WriteHeartbeat(ClientProtocol protocol, IBufferWriter<byte> output) => protocol.WriteHeartbeat(output);

        public override void Write(Subscription from, StreamEvent record, int skip, IBufferWriter<byte> output)
        {
            var frames = EventRecord.Frames(record.Data);
            output.Write(skip == 0 ? frames : EventRecord.SkipFrames(frames, skip));
        }

        public override void WriteFailure(ClientProtocol protocol, GenerationError error, IBufferWriter<byte> output)
        {
            var request = new GenerationRequest { Protocol = protocol.Name, Body = default, Messages = [], Stream = true };
            protocol.NewEventWriter(request, "", default).Write(Failed(error), EventId.None, output);
        }
    }

    private sealed class NativeView : EventView
    {
        public override void Write(Subscription from, StreamEvent record, int skip, IBufferWriter<byte> output)
        {
            var json = EventRecord.Json(record.Data);
            var type = NativeEventWriter.TypeOf(json);
            if (type.SequenceEqual("raw"u8)) return;
            SseWriter.Event(output, type);
            if (EventRecord.TimeOf(record.Data) is { } time) WriteTimed(json, from.Reader.CreatedAt + time, output);
            else SseWriter.Data(output, json);
            new EventId(from.Id, record.Offset).WriteLine(output);
            SseWriter.End(output);
        }

        private static void WriteTimed(ReadOnlySpan<byte> json, DateTimeOffset at, IBufferWriter<byte> output)
        {
            var line = new SpanWriter(output.GetSpan(json.Length + 40));
            line.Append("data: "u8);
            line.Append(json[..^1]);
            line.Append(",\"at\":"u8);
            line.Append(at.ToUnixTimeMilliseconds());
            line.Append("}\n"u8);
            output.Advance(line.Length);
        }

        public override void WriteFailure(ClientProtocol protocol, GenerationError error, IBufferWriter<byte> output)
        {
            var json = new ArrayBufferWriter<byte>();
            NativeEventWriter.Write(Failed(error), json);
            SseWriter.Event(output, "failed"u8);
            SseWriter.Data(output, json.WrittenSpan);
            SseWriter.End(output);
        }
    }

    protected static GenerationEvent Failed(GenerationError error) => new() { Kind = EventKind.Failed, Error = error };
}
