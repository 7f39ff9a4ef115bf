using System.Buffers;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>Chat Completions as providers speak it: OpenAI, and all that are compatible with it.</summary>
internal sealed class ChatCompletionsProviderProtocol : ProviderProtocol
{
    public override string Name => ChatCompletionsProtocol.ProtocolName;

    public override string Path(string model, bool stream) => "chat/completions";

    public override (string Name, string Value) Credential(string apiKey) => ("Authorization", $"Bearer {apiKey}");

    public override void WriteRequest(GenerationRequest request, string model, bool stream, IBufferWriter<byte> output) =>
        ChatCompletionsRequestWriter.Write(request, model, stream, output);

    public override EventReader NewEventReader(int choices = 1) => new ChatCompletionsEventReader(choices);

    public override GenerationError ReadError(int status, ReadOnlySpan<byte> body, TimeSpan? retryAfter) =>
        ChatCompletionsErrorReader.Read(body, status, retryAfter);
}
