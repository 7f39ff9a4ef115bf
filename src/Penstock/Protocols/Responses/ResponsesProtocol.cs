using System.Buffers;
using Penstock.Protocols.ChatCompletions;

namespace Penstock.Protocols.Responses;

/// <summary>Responses as clients speak it: <c>POST /v1/responses</c>.</summary>
internal sealed class ResponsesProtocol : ClientProtocol
{
    public const string ProtocolName = "responses";

    public override string Name => ProtocolName;

    public override GenerationRequest ReadRequest(ReadOnlyMemory<byte> body) => ResponsesRequestReader.Read(body);

    public override ReadOnlyMemory<byte> Join(ReadOnlyMemory<byte> body, IReadOnlyList<ReadOnlyMemory<byte>> earlier) => ResponsesConversation.Join(body, earlier);

    public override EventWriter NewEventWriter(GenerationRequest request, string generationId, DateTimeOffset createdAt) => request.Stream
        ? new ResponsesEventWriter(request, generationId, createdAt)
        : new ResponsesWholeWriter(request, generationId, createdAt);

    /// <summary>OpenAI's errors are the same in both its protocols.</summary>
    /// <summary>OpenAI fails inside the stream once a response is created, and the response is there to be read.</summary>
    public override bool KeepsPreamble => true;

    public override void WriteError(RequestException error, IBufferWriter<byte> output) => ChatCompletionsErrorWriter.Write(error, output);
}
