using System.Buffers;

namespace Penstock.Protocols.Ollama;

/// <summary>Ollama's own API as its clients speak it: <c>POST /api/chat</c> and <c>POST /api/generate</c>. They differ in where the text stands.</summary>
/// <remarks>
/// The log keeps its lines as frames, with ids, like those of every protocol; on the wire they are bare lines of JSON.
/// https://github.com/ollama/ollama/blob/main/docs/api.md
/// </remarks>
internal sealed class OllamaProtocol(string name, bool isChat) : ClientProtocol
{
    public override string Name => name;

    public override GenerationRequest ReadRequest(ReadOnlyMemory<byte> body) => OllamaRequestReader.Read(body, name, isChat);

    public override EventWriter NewEventWriter(GenerationRequest request, string generationId, DateTimeOffset createdAt)
    {
        var line = new OllamaLine(request.Model ?? "", createdAt, isChat);
        return request.Stream ? new OllamaEventWriter(line) : new OllamaWholeWriter(line);
    }

    public override void WriteError(RequestException error, IBufferWriter<byte> output) => OllamaLine.WriteError(error.Message, output);

    /// <summary>A piece without text: its clients parse every line.</summary>
    public override void WriteHeartbeat(IBufferWriter<byte> output)
    {
        output.Write("data: "u8);
        new OllamaLine("", DateTimeOffset.UnixEpoch, isChat).WriteText(default, default, output);
        output.Write("\n\n"u8);
    }
}
