using System.Buffers;

namespace Penstock.Protocols.Messages;

/// <summary>Messages as providers speak it: Anthropic, and those that are compatible.</summary>
/// <param name="baseUrl">The provider's address, with or without the <c>/v1</c> at its end.</param>
/// <param name="version">The <c>anthropic-version</c>, or null for the usual.</param>
internal sealed class MessagesProviderProtocol(Uri baseUrl, string? version) : ProviderProtocol
{
    // https://docs.claude.com/en/api/versioning
    private const string DefaultVersion = "2023-06-01";

    private readonly string _path = baseUrl.AbsolutePath.TrimEnd('/').EndsWith("/v1", StringComparison.Ordinal) ? "messages" : "v1/messages";

    public override string Name => MessagesProtocol.ProtocolName;

    public override IReadOnlyList<KeyValuePair<string, string>> Headers { get; } = [new("anthropic-version", version ?? DefaultVersion)];

    public override string? CountTokensPath(string model) => $"{_path}/count_tokens";

    public override string TokenCountMember => "input_tokens";

    public override void WriteCountRequest(GenerationRequest request, string model, IBufferWriter<byte> output) =>
        MessagesRequestWriter.WriteCounting(request, model, output);

    public override void WriteCountOfRequest(GenerationRequest request, string model, IBufferWriter<byte> output) =>
        MessagesRequestWriter.WriteCountOfRequest(request, model, output);

    public override string Path(string model, bool stream) => _path;

    public override (string Name, string Value) Credential(string apiKey) => ("x-api-key", apiKey);

    public override void WriteRequest(GenerationRequest request, string model, bool stream, IBufferWriter<byte> output, DroppedFields dropped) =>
        MessagesRequestWriter.Write(request, model, stream, output, dropped);

    public override EventReader NewEventReader(int choices = 1) => new MessagesEventReader();

    public override GenerationError ReadError(int status, ReadOnlySpan<byte> body, TimeSpan? retryAfter) =>
        ProviderErrorReader.Read(body, status, retryAfter);
}
