using System.Buffers;
using Penstock.Sse;

namespace Penstock.Protocols.Messages;

/// <summary>Messages, Anthropic's protocol, as clients speak it: <c>POST /v1/messages</c>.</summary>
internal sealed class MessagesProtocol : ClientProtocol
{
    public const string ProtocolName = "messages";

    public override string Name => ProtocolName;

    public override IReadOnlyList<string> ProviderHeaders { get; } = ["anthropic-beta"];

    public override GenerationRequest ReadRequest(ReadOnlyMemory<byte> body) => MessagesRequestReader.Read(body);

    public override EventWriter NewEventWriter(GenerationRequest request, string generationId, DateTimeOffset createdAt) => request.Stream
        ? new MessagesEventWriter(request, MessageId(generationId))
        : new MessagesWholeWriter(request, MessageId(generationId));

    public override void WriteError(RequestException error, IBufferWriter<byte> output) => MessagesErrorWriter.Write(error, requestId: null, output);

    public override void WriteError(RequestException error, string? requestId, IBufferWriter<byte> output) => MessagesErrorWriter.Write(error, requestId, output);

    public override void WriteRateLimits(RateLimits limits, DateTimeOffset now, Action<string, string> header) => MessagesRateLimitHeaders.Write(limits, now, header);

    public override void WriteHeartbeat(IBufferWriter<byte> output)
    {
        SseWriter.Event(output, "ping"u8);
        SseWriter.Data(output, "{\"type\": \"ping\"}"u8);
        SseWriter.End(output);
    }

    /// <summary>The message's <c>id</c>: <c>msg_</c> and the digits of <c>gen_…</c>.</summary>
    public static string MessageId(string generationId) => ProtocolId.Of("msg_", generationId);
}
