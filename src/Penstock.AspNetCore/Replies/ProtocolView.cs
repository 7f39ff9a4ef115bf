using System.Buffers;
using Penstock.Generations;
using Penstock.Protocols;
using Penstock.Protocols.Native;
using Penstock.Streams;

namespace Penstock.AspNetCore.Replies;

/// <summary>
/// A generation in a protocol that it may not have been asked for in: the frames are made here, of the events in the log.
/// It belongs to one reply.
/// </summary>
internal sealed class ProtocolView : EventView, IEventSink
{
    private readonly EventWriter _writer;
    private readonly ArrayBufferWriter<byte> _scratch = new();

    public ProtocolView(ClientProtocol protocol, GenerationMetadata metadata, string generationId, DateTimeOffset createdAt)
    {
        _writer = protocol.NewEventWriter(metadata.ToRequest() with { Stream = true, IncludeUsage = true }, generationId, createdAt);
    }

    public override void WriteHeartbeat(ClientProtocol protocol, IBufferWriter<byte> output) => protocol.WriteHeartbeat(output);

    public override void WriteFailure(ClientProtocol protocol, GenerationError error, IBufferWriter<byte> output) =>
        _writer.Write(Failed(error), EventId.None, output);

    /// <summary>Takes note of an event that the client has.</summary>
    public void Pass(StreamEvent record)
    {
        _scratch.ResetWrittenCount();
        var read = NativeEventReader.Read(EventRecord.Json(record.Data));
        if (!read.IsCut) _writer.Write(read, EventId.None, _scratch);
    }

    /// <summary>
    /// The frames that lead to a snapshot's state. Who is cut within them comes back with how many it has; with the last of
    /// them it has all up to the snapshot's offset.
    /// </summary>
    /// <param name="snapshot">The state.</param>
    /// <param name="skip">How many of the frames the client has.</param>
    public ReadOnlyMemory<byte> Fold(GenerationSnapshot snapshot, int skip)
    {
        _scratch.ResetWrittenCount();
        snapshot.Replay(this);
        var frames = _scratch.WrittenSpan;
        var numbered = new ArrayBufferWriter<byte>(_scratch.WrittenCount + 256);
        var part = 0;
        while (!frames.IsEmpty)
        {
            var end = frames.IndexOf("\n\n"u8) + 1;
            var frame = frames[..end];
            frames = frames[(end + 1)..];
            if (++part <= skip) continue;
            numbered.Write(frame);
            (frames.IsEmpty ? new EventId(snapshot.Id, snapshot.Offset) : new EventId(snapshot.Id, snapshot.Offset, part, InSnapshot: true)).WriteLine(numbered);
            numbered.Write("\n"u8);
        }

        return numbered.WrittenMemory;
    }

    public override void Write(Subscription from, StreamEvent record, int skip, IBufferWriter<byte> output)
    {
        var read = NativeEventReader.Read(EventRecord.Json(record.Data));
        if (read.IsCut) return; // what is half is not said to have ended
        var id = new EventId(from.Id, record.Offset);
        if (skip == 0)
        {
            _writer.Write(read, id, output);
            return;
        }

        _scratch.ResetWrittenCount();
        _writer.Write(read, id, _scratch);
        output.Write(EventRecord.SkipFrames(_scratch.WrittenSpan, skip));
    }

    void IEventSink.Write(in GenerationEvent generationEvent) => _writer.Write(generationEvent, EventId.None, _scratch);
}
