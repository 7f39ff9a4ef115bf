using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>Writes a generation as one response object: the provider's own, or the one that its stream would end with.</summary>
/// <remarks>An answer that failed is written too: nobody waits for it, but <c>GET /v1/responses/{id}</c> shows it.</remarks>
internal sealed class ResponsesWholeWriter(GenerationRequest request, string generationId, DateTimeOffset createdAt) : EventWriter
{
    private readonly ResponsesEventWriter _stream = new(request, generationId, createdAt);
    private readonly ArrayBufferWriter<byte> _frames = new();
    private bool _written;

    public override void WritePayload(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> payload, EventId id, IBufferWriter<byte> output)
    {
        payload = payload.Trim(" \t\r\n"u8);
        if (!JsonValue.IsObject(payload)) return;
        output.Write(new ResponsesPassthrough(request, ProtocolId.Of("resp_", generationId)).Rename(payload, payload));
        _written = true;
    }

    public override void Write(in GenerationEvent generationEvent, EventId id, IBufferWriter<byte> output)
    {
        if (_written) return;
        _frames.ResetWrittenCount();
        _stream.Write(generationEvent, EventId.None, _frames);
        if (generationEvent.Kind < EventKind.Finished) return;
        output.Write(_stream.Ending.Span);
        _written = true;
    }
}
