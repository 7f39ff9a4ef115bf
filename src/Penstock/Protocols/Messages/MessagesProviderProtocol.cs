using System.Buffers;

namespace Penstock.Protocols.Messages;

/// <summary>Messages as providers speak it: Anthropic, and those that are compatible.</summary>
/// <param name="version">The <c>anthropic-version</c>, or null for the usual.</param>
internal sealed class MessagesProviderProtocol(string? version) : ProviderProtocol
{
    // https://docs.claude.com/en/api/versioning
    private const string DefaultVersion = "2023-06-01";

    public override string Name => MessagesProtocol.ProtocolName;

    public override IReadOnlyList<KeyValuePair<string, string>> Headers { get; } = [new("anthropic-version", version ?? DefaultVersion)];

    public override string? CountTokensPath(string model) => "v1/messages/count_tokens";

    public override string TokenCountMember => "input_tokens";

    public override void WriteCountRequest(GenerationRequest request, string model, IBufferWriter<byte> output) =>
        MessagesRequestWriter.WriteCounting(request, model, output);

    public override string Path(string model, bool stream) => "v1/messages";

    public override (string Name, string Value) Credential(string apiKey) => ("x-api-key", apiKey);

    public override void WriteRequest(GenerationRequest request, string model, bool stream, IBufferWriter<byte> output, DroppedFields dropped) =>
        MessagesRequestWriter.Write(request, model, stream, output, dropped);

    public override EventReader NewEventReader(int choices = 1) => new MessagesEventReader();

    public override GenerationError ReadError(int status, ReadOnlySpan<byte> body, TimeSpan? retryAfter) =>
        ProviderErrorReader.Read(body, status, retryAfter);
}
