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

    /// <summary>OpenAI fails inside the stream once a response is created, and the response is there to be read.</summary>
    public override bool KeepsPreamble => true;

    public override ReadOnlySpan<byte> Announcement => "event: response.created\n"u8;

    /// <summary>SDKs take a stream that begins with anything but <c>response.created</c> for broken. Neither event has a place in the log, so both have the number of its first.</summary>
    public override void WriteQueued(GenerationRequest request, string generationId, DateTimeOffset createdAt, IBufferWriter<byte> output)
    {
        var response = new ResponsesObject(request, generationId, createdAt);
        var frames = new ResponsesFrames();
        foreach (var type in (ReadOnlySpan<string>)["response.created", "response.queued"])
        {
            frames.NextSequence = 0;
            frames.Start(EventId.None, output);
            var members = frames.Begin(System.Text.Encoding.ASCII.GetBytes(type));
            members.Write("\"response\":"u8);
            response.Write("queued"u8, null, null, default, null, members);
            frames.End();
            frames.Finish();
        }
    }

    /// <summary>OpenAI's errors are the same in both its protocols.</summary>
    public override void WriteError(RequestException error, IBufferWriter<byte> output) => ChatCompletionsErrorWriter.Write(error, output);
}
