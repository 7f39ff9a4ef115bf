using System.Text.Json;
using Penstock.Protocols.ChatCompletions;

namespace Penstock.Protocols.UiMessages;

/// <summary>
/// Reads what <c>useChat</c> posts, <c>{id, messages, trigger, messageId}</c>, and beside it what the page adds to the body:
/// <c>model</c>, <c>system</c>, <c>tools</c> and the settings of Chat Completions.
/// </summary>
internal static class UiMessagesRequestReader
{
    public const string Example = """{"id": "chat-1", "messages": [{"role": "user", "parts": [{"type": "text", "text": "Hello"}]}]}""";

    private static readonly string[] _known = ["id", "messages", "trigger", "messageId", "model", "system", "tools", .. ChatCompletionsSettings.Names];

    public static GenerationRequest Read(ReadOnlyMemory<byte> body)
    {
        using var document = RequestJson.Parse(body, Example);
        var root = document.RootElement;
        var ownFields = new List<OwnField>();
        var messages = new UiMessagesConversation(ownFields).Read(root);
        if (RequestJson.String(root, "system", "system") is { Length: > 0 } system) messages.Insert(0, new Message(Role.System, [new TextPart(system) { Path = "system" }]));
        foreach (var member in root.EnumerateObject())
        {
            var name = RequestJson.Name(member);
            if (member.Value.ValueKind != JsonValueKind.Null && !_known.Contains(name, StringComparer.Ordinal)) ownFields.Add(new OwnField(name, ChangesAnswer: false));
        }

        return new GenerationRequest
        {
            Protocol = UiMessagesProtocol.ProtocolName,
            Body = body,
            Model = RequestJson.Model(root),
            Messages = messages,
            Tools = new ChatCompletionsTools(ownFields).Read(root),
            Settings = ChatCompletionsSettings.Read(root) with { Choices = null }, // a message has one answer
            OwnFields = ownFields,
            Stream = true,
        };
    }

    /// <summary>The client's name for the chat, or null.</summary>
    public static string? ReadChatId(ReadOnlyMemory<byte> body)
    {
        using var document = RequestJson.Parse(body, Example);
        var id = RequestJson.String(document.RootElement, "id", "id");
        return id is { Length: > 512 } ? throw RequestJson.Error("invalid_value", "id", $"'id' has {id.Length} characters: use 512 at most.") : id;
    }

    /// <summary>Whether a body is <c>useChat</c>'s: its messages are made of parts, which those of nobody else at this address are.</summary>
    public static bool IsMeant(ReadOnlyMemory<byte> body)
    {
        using var document = RequestJson.Parse(body, Example);
        var root = document.RootElement;
        if (RequestJson.TryGet(root, "trigger", out _)) return true;
        return RequestJson.TryGet(root, "messages", out var messages) && messages.ValueKind == JsonValueKind.Array
            && messages.EnumerateArray().Any(m => m.ValueKind == JsonValueKind.Object && RequestJson.TryGet(m, "parts", out _));
    }
}
