using System.Buffers;
using Penstock.Generations;
using Penstock.Protocols;
using Penstock.Protocols.Gemini;
using Penstock.Streams;

namespace Penstock.AspNetCore.Replies;

/// <summary>A Gemini stream as Google sends it: the frames of the log without their ids.</summary>
internal sealed class GeminiDataView : EventView
{
    public static readonly GeminiDataView Instance = new();

    public override void WriteHeartbeat(ClientProtocol protocol, IBufferWriter<byte> output) => protocol.WriteHeartbeat(output);

    public override void Write(Subscription from, StreamEvent record, int skip, IBufferWriter<byte> output)
    {
        var frames = EventRecord.Frames(record.Data);
        while (DataFrames.TryTake(ref frames, out var json)) Write(json, output);
    }

    public override void WriteFailure(ClientProtocol protocol, GenerationError error, IBufferWriter<byte> output) =>
        Origin.WriteFailure(protocol, error, output);

    private static void Write(ReadOnlySpan<byte> json, IBufferWriter<byte> output)
    {
        var writer = new SpanWriter(output.GetSpan(json.Length + 8));
        writer.Append("data: "u8);
        writer.Append(json);
        writer.Append("\n\n"u8);
        output.Advance(writer.Length);
    }
}

/// <summary>A Gemini stream without <c>alt=sse</c>: one JSON array, an item for each frame. It belongs to one reply.</summary>
internal sealed class GeminiArrayView : EventView
{
    private bool _begun;

    public override string ContentType => "application/json";

    public override void WriteHeartbeat(ClientProtocol protocol, IBufferWriter<byte> output) => output.Write("\n"u8);

    public override void Write(Subscription from, StreamEvent record, int skip, IBufferWriter<byte> output)
    {
        var frames = EventRecord.Frames(record.Data);
        while (DataFrames.TryTake(ref frames, out var json))
        {
            BeginItem(output);
            output.Write(json);
            output.Write("\n"u8);
        }

        if (EventRecord.IsEnding(record.Data)) End(output);
    }

    public override void WriteFailure(ClientProtocol protocol, GenerationError error, IBufferWriter<byte> output)
    {
        BeginItem(output);
        GeminiErrorWriter.Write(error, output);
        End(output);
    }

    private void BeginItem(IBufferWriter<byte> output)
    {
        output.Write(_begun ? ",\r\n"u8 : "["u8);
        _begun = true;
    }

    private void End(IBufferWriter<byte> output) => output.Write(_begun ? "]\n"u8 : "[]\n"u8);
}
