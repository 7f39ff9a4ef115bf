using System.Buffers;

namespace Penstock.Protocols.Gemini;

/// <summary>Gemini as clients speak it: <c>POST /v1beta/models/{model}:streamGenerateContent</c> and its like.</summary>
internal sealed class GeminiProtocol : ClientProtocol
{
    public const string ProtocolName = "gemini";

    public override string Name => ProtocolName;

    /// <summary>Reads a body alone; an endpoint uses <see cref="GeminiRequestReader"/>, since the address says which model and whether to stream.</summary>
    public override GenerationRequest ReadRequest(ReadOnlyMemory<byte> body) => GeminiRequestReader.Read(body, model: null, stream: false);

    public override GenerationRequest ReadStored(ReadOnlyMemory<byte> body, string? model, bool stream) => GeminiRequestReader.Read(body, model, stream);

    public override EventWriter NewEventWriter(GenerationRequest request, string generationId, DateTimeOffset createdAt) => request.Stream
        ? new GeminiEventWriter(request, generationId)
        : new GeminiWholeWriter(request, generationId);

    public override void WriteError(RequestException error, IBufferWriter<byte> output) => GeminiErrorWriter.Write(error, output);

    /// <summary>An empty piece of text: Google's Go and Python clients take every line that is not <c>data:</c> for an error.</summary>
    public override void WriteHeartbeat(IBufferWriter<byte> output) =>
        output.Write("data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}],\"role\":\"model\"},\"index\":0}]}\n\n"u8);
}
