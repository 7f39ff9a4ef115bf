using System.Buffers;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>Chat Completions as clients speak it: <c>POST /v1/chat/completions</c>.</summary>
internal sealed class ChatCompletionsProtocol : ClientProtocol
{
    public const string ProtocolName = "chat-completions";

    public override string Name => ProtocolName;

    public override GenerationRequest ReadRequest(ReadOnlyMemory<byte> body) => ChatCompletionsRequestReader.Read(body);

    public override EventWriter NewEventWriter(GenerationRequest request, string generationId, DateTimeOffset createdAt) => request.Stream
        ? new ChatCompletionsEventWriter(request, ChunkId(generationId), createdAt)
        : new ChatCompletionsWholeWriter(request, ChunkId(generationId), createdAt);

    public override void WriteError(RequestException error, IBufferWriter<byte> output) => ChatCompletionsErrorWriter.Write(error, output);

    /// <summary>The <c>id</c> in all chunks of a generation: <c>chatcmpl-</c> and the digits of <c>gen_…</c>.</summary>
    public static string ChunkId(string generationId) => ProtocolId.Of("chatcmpl-", generationId);
}
