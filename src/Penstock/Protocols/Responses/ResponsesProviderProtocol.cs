using System.Buffers;

namespace Penstock.Protocols.Responses;

/// <summary>Responses as providers speak it: OpenAI, Azure, LM Studio, and others that are compatible.</summary>
/// <param name="baseUrl">The provider's address.</param>
/// <param name="version">Azure's <c>api-version</c>, or null.</param>
internal sealed class ResponsesProviderProtocol(Uri baseUrl, string? version) : ProviderProtocol
{
    // https://learn.microsoft.com/azure/ai-foundry/openai/how-to/responses
    private readonly bool _isAzure = version is not null || baseUrl.Host.EndsWith(".azure.com", StringComparison.OrdinalIgnoreCase);

    public override string Name => ResponsesProtocol.ProtocolName;

    public override string Path(string model, bool stream) => PathOf("responses");

    // https://platform.openai.com/docs/api-reference/responses/input-tokens
    public override string? CountTokensPath(string model) => PathOf("responses/input_tokens");

    public override string TokenCountMember => "input_tokens";

    public override void WriteCountRequest(GenerationRequest request, string model, IBufferWriter<byte> output) =>
        ResponsesRequestWriter.WriteCounting(request, model, output);

    public override void WriteCountOfRequest(GenerationRequest request, string model, IBufferWriter<byte> output) =>
        ResponsesRequestWriter.WriteCounting(request, model, output);

    public override (string Name, string Value) Credential(string apiKey) => _isAzure ? ("api-key", apiKey) : ("Authorization", $"Bearer {apiKey}");

    public override void WriteRequest(GenerationRequest request, string model, bool stream, IBufferWriter<byte> output, DroppedFields dropped) =>
        ResponsesRequestWriter.Write(request, model, stream, output, dropped);

    public override EventReader NewEventReader(int choices = 1) => new ResponsesEventReader();

    public override GenerationError ReadError(int status, ReadOnlySpan<byte> body, TimeSpan? retryAfter) =>
        ProviderErrorReader.Read(body, status, retryAfter);

    private string PathOf(string path) => version is null ? path : $"{path}?api-version={Uri.EscapeDataString(version)}";
}
