using Penstock.Protocols.ChatCompletions;
using Penstock.Protocols.Gemini;
using Penstock.Protocols.Messages;
using Penstock.Protocols.Responses;

namespace Penstock.Protocols;

/// <summary>Every protocol that providers may speak, by the names that configuration gives them.</summary>
internal static class ProviderProtocols
{
    /// <summary>The names, for messages.</summary>
    public static readonly IReadOnlyList<string> Names = [ChatCompletionsProtocol.ProtocolName, ResponsesProtocol.ProtocolName, MessagesProtocol.ProtocolName, GeminiProtocol.ProtocolName];

    /// <summary>The protocol of that name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="baseUrl">The provider's address: OpenAI's and Azure's own differ from those that are compatible.</param>
    /// <param name="version">The version of the API to ask for, where the protocol has one; null for the usual.</param>
    public static ProviderProtocol New(string name, Uri baseUrl, string? version) => name switch
    {
        ChatCompletionsProtocol.ProtocolName => new ChatCompletionsProviderProtocol(baseUrl, version),
        MessagesProtocol.ProtocolName => new MessagesProviderProtocol(baseUrl, version),
        GeminiProtocol.ProtocolName => new GeminiProviderProtocol(),
        ResponsesProtocol.ProtocolName => new ResponsesProviderProtocol(baseUrl, version),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "No such protocol."),
    };
}
