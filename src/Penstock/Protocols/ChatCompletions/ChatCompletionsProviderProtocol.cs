using System.Buffers;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>Chat Completions as providers speak it: OpenAI, Azure, and all that are compatible.</summary>
/// <param name="baseUrl">The provider's address.</param>
/// <param name="version">Azure's <c>api-version</c>, or null.</param>
internal sealed class ChatCompletionsProviderProtocol(Uri baseUrl, string? version) : ProviderProtocol
{
    // https://learn.microsoft.com/azure/ai-foundry/openai/reference
    private readonly bool _isAzure = IsAzure(baseUrl, version);

    // OpenAI's reasoning models refuse max_tokens, and some that are compatible know nothing else.
    private readonly string _maxTokensName =
        IsAzure(baseUrl, version) || baseUrl.Host.EndsWith("openai.com", StringComparison.OrdinalIgnoreCase) ? "max_completion_tokens" : "max_tokens";

    private readonly string _path = version is null ? "chat/completions" : $"chat/completions?api-version={Uri.EscapeDataString(version)}";

    public override string Name => ChatCompletionsProtocol.ProtocolName;

    public override string Path(string model, bool stream) => _path;

    public override (string Name, string Value) Credential(string apiKey) =>
        _isAzure ? ("api-key", apiKey) : ("Authorization", $"Bearer {apiKey}");

    public override void WriteRequest(GenerationRequest request, string model, bool stream, IBufferWriter<byte> output, DroppedFields dropped) =>
        ChatCompletionsRequestWriter.Write(request, model, stream, _maxTokensName, output, dropped);

    public override EventReader NewEventReader(int choices = 1) => new ChatCompletionsEventReader(choices);

    public override GenerationError ReadError(int status, ReadOnlySpan<byte> body, TimeSpan? retryAfter) =>
        ProviderErrorReader.Read(body, status, retryAfter);

    private static bool IsAzure(Uri baseUrl, string? version) => version is not null || baseUrl.Host.EndsWith(".azure.com", StringComparison.OrdinalIgnoreCase);
}
