using System.Buffers;
using Penstock.Generations;
using Penstock.Protocols;
using Penstock.Protocols.Responses;
using Penstock.Streams;

namespace Penstock.AspNetCore.Replies;

/// <summary>The frames of a Responses stream whose <c>sequence_number</c> is greater than one that the client has.</summary>
internal sealed class SequenceView(long after) : EventView
{
    private long _last = -1;

    public override void WriteHeartbeat(ClientProtocol protocol, IBufferWriter<byte> output) => Origin.WriteHeartbeat(protocol, output);

    public override void WriteFailure(ClientProtocol protocol, GenerationError error, IBufferWriter<byte> output) => Origin.WriteFailure(protocol, error, output);

    public override void Write(Subscription from, StreamEvent record, int skip, IBufferWriter<byte> output)
    {
        var frames = EventRecord.Frames(record.Data);
        while (_last < after && !frames.IsEmpty)
        {
            var rest = EventRecord.SkipFrames(frames, 1);
            var number = ResponsesFold.SequenceOf(frames[..^rest.Length]);
            _last = number < 0 ? _last + 1 : number; // not all providers number theirs
            if (_last > after) break;
            frames = rest;
        }

        output.Write(frames);
    }
}
