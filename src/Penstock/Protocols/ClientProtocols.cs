using Penstock.Protocols.AgUi;
using Penstock.Protocols.ChatCompletions;
using Penstock.Protocols.Gemini;
using Penstock.Protocols.Messages;
using Penstock.Protocols.Native;
using Penstock.Protocols.Ollama;
using Penstock.Protocols.Responses;
using Penstock.Protocols.Text;
using Penstock.Protocols.UiMessages;

namespace Penstock.Protocols;

/// <summary>Every protocol that clients may speak. The log keeps the name, so that after a crash the ending is written in the right one.</summary>
internal static class ClientProtocols
{
    public static ClientProtocol Native { get; } = new NativeProtocol();

    public static ClientProtocol ChatCompletions { get; } = new ChatCompletionsProtocol();

    public static ClientProtocol Responses { get; } = new ResponsesProtocol();

    public static ClientProtocol Messages { get; } = new MessagesProtocol();

    public static ClientProtocol Gemini { get; } = new GeminiProtocol();

    /// <summary><c>POST /query/stream</c> <c>{prompt}</c></summary>
    public static ClientProtocol TextQuery { get; } = new TextProtocol("text-query", "prompt", namesTokens: false, namesDone: false);

    /// <summary><c>GET /chat/stream?prompt=</c></summary>
    public static ClientProtocol TextChat { get; } = new TextProtocol("text-chat", "prompt", namesTokens: true, namesDone: true);

    /// <summary><c>POST /ask</c> <c>{query, uuid}</c></summary>
    public static ClientProtocol TextAsk { get; } = new TextProtocol("text-ask", "query", namesTokens: false, namesDone: true);

    /// <summary><c>GET /stream?query=</c></summary>
    public static ClientProtocol TextStream { get; } = new TextProtocol("text-stream", "query", namesTokens: false, namesDone: false);

    public static ClientProtocol OllamaChat { get; } = new OllamaProtocol("ollama-chat", isChat: true);

    public static ClientProtocol OllamaGenerate { get; } = new OllamaProtocol("ollama-generate", isChat: false);

    /// <summary>The AI SDK's <c>useChat</c>.</summary>
    public static ClientProtocol UiMessages { get; } = new UiMessagesProtocol();

    public static ClientProtocol AgUi { get; } = new AgUiProtocol();

    private static readonly ClientProtocol[] _all =
        [Native, ChatCompletions, Responses, Messages, Gemini, TextQuery, TextChat, TextAsk, TextStream, OllamaChat, OllamaGenerate, UiMessages, AgUi];

    /// <summary>The protocol of that name, or null.</summary>
    public static ClientProtocol? Find(string name) => Array.Find(_all, p => p.Name == name);
}
