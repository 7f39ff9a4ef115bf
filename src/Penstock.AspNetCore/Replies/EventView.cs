using System.Buffers;
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

    /// <summary>Writes a record's frames, but for the first <paramref name="skip"/>.</summary>
    public abstract void Write(string generationId, StreamEvent record, int skip, IBufferWriter<byte> output);

    /// <summary>Writes a failure that the log could not take; it has no id.</summary>
    public abstract void WriteFailure(ClientProtocol protocol, GenerationError error, IBufferWriter<byte> output);

    /// <summary>Writes a sign of life.</summary>
    public virtual void WriteHeartbeat(ClientProtocol protocol, IBufferWriter<byte> output) => SseWriter.Comment(output, "ping"u8);

    private sealed class OriginView : EventView
    {
        public override void WriteHeartbeat(ClientProtocol protocol, IBufferWriter<byte> output) => protocol.WriteHeartbeat(output);

        public override void Write(string generationId, StreamEvent record, int skip, IBufferWriter<byte> output)
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
        public override void Write(string generationId, StreamEvent record, int skip, IBufferWriter<byte> output)
        {
            var json = EventRecord.Json(record.Data);
            var type = NativeEventWriter.TypeOf(json);
            if (type.SequenceEqual("raw"u8)) return;
            SseWriter.Event(output, type);
            SseWriter.Data(output, json);
            new EventId(generationId, record.Offset).WriteLine(output);
            SseWriter.End(output);
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
