using Microsoft.AspNetCore.Http;
using Penstock.Protocols;

namespace Penstock.AspNetCore.Auth;

/// <summary>What a route is to the <see cref="Gate"/>. Each route of ours has one.</summary>
/// <param name="Name">What keys call it that are limited to some endpoints.</param>
/// <param name="Protocol">The shape of a refusal.</param>
internal sealed record Surface(string Name, ClientProtocol Protocol)
{
    public static readonly Surface ChatCompletions = new("chat-completions", ClientProtocols.ChatCompletions);
    public static readonly Surface Responses = new("responses", ClientProtocols.Responses);
    public static readonly Surface Messages = new("messages", ClientProtocols.Messages);
    public static readonly Surface Gemini = new("gemini", ClientProtocols.Gemini);
    public static readonly Surface Ollama = new("ollama", ClientProtocols.OllamaChat);
    public static readonly Surface UiChat = new("ui-chat", ClientProtocols.UiMessages);
    public static readonly Surface AgUi = new("ag-ui", ClientProtocols.AgUi);
    public static readonly Surface Generations = new("generations", ClientProtocols.Native);
    public static readonly Surface Streams = new("streams", ClientProtocols.Native) { IsCounted = true };
    public static readonly Surface Operations = new("operations", ClientProtocols.Native);
    public static readonly Surface Models = new("models", ClientProtocols.ChatCompletions) { IsForAll = true };
    public static readonly Surface GeminiModels = new("models", ClientProtocols.Gemini) { IsForAll = true };

    /// <summary>For anybody, and the same for everybody: health, public keys, a 404.</summary>
    public static readonly Surface Open = new("open", ClientProtocols.Native) { IsOpen = true };

    /// <summary>The names that a key's endpoints may have.</summary>
    public static readonly string[] Names = ["chat-completions", "responses", "messages", "gemini", "text", "ollama", "ui-chat", "ag-ui", "generations", "streams", "operations"];

    public static Surface Text(ClientProtocol protocol) => new("text", protocol) { GetActs = true };

    /// <summary>Whether nobody is asked who they are.</summary>
    public bool IsOpen { get; init; }

    /// <summary>Whether every key may use it, whatever endpoints it is limited to.</summary>
    public bool IsForAll { get; init; }

    /// <summary>Whether each of its requests counts against the limit of requests a minute; where something is generated, what starts a generation does.</summary>
    public bool IsCounted { get; init; }

    /// <summary>Whether a GET starts something, too.</summary>
    public bool GetActs { get; init; }

    /// <summary>Whether a ticket for the generation that the address names opens it.</summary>
    public bool TakesTicket { get; init; }

    /// <summary>Whether a request changes something, and does not only read.</summary>
    public bool Acts(string method) => GetActs || !(HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method));
}
