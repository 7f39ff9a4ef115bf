using System.Buffers;

namespace Penstock.Protocols.UiMessages;

/// <summary>The AI SDK's UI message stream, which <c>useChat</c> speaks: <c>POST /api/chat</c>.</summary>
/// <remarks>https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol</remarks>
internal sealed class UiMessagesProtocol : ClientProtocol
{
    public const string ProtocolName = "ui-messages";

    public override string Name => ProtocolName;

    public override GenerationRequest ReadRequest(ReadOnlyMemory<byte> body) => UiMessagesRequestReader.Read(body);

    public override EventWriter NewEventWriter(GenerationRequest request, string generationId, DateTimeOffset createdAt) =>
        new UiMessagesEventWriter(ProtocolId.Of("msg_", generationId));

    /// <summary>The client shows the body as it is, so it is a sentence and no JSON.</summary>
    public override void WriteError(RequestException error, IBufferWriter<byte> output) => JsonText.WriteUtf8(error.Message, output);

    public override string ContentType => "text/plain; charset=utf-8";
}
