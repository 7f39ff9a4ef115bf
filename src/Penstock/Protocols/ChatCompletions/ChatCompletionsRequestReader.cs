using System.Runtime.InteropServices;
using System.Text.Json;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>Reads a Chat Completions body, or the legacy <c>{"prompt", "stream"}</c> in its place.</summary>
/// <remarks>
/// It checks what this server acts on. What only the provider understands is left to the provider, which gets it untouched.
/// https://platform.openai.com/docs/api-reference/chat/create
/// </remarks>
internal static class ChatCompletionsRequestReader
{
    public const string Example = """{"messages": [{"role": "user", "content": "Hello"}]}""";

    private static readonly string[] _known =
    [
        "model", "messages", "prompt", "stream", "stream_options", "n", "tools", "functions", .. ChatCompletionsSettings.Names,
    ];

    // What no other protocol has a word for, and the answer depends on.
    private static readonly string[] _needed = ["logit_bias", "audio", "modalities", "web_search_options"];

    public static GenerationRequest Read(ReadOnlyMemory<byte> body)
    {
        using var document = RequestJson.Parse(body, Example);
        return Read(document.RootElement, body, ChatCompletionsProtocol.ProtocolName);
    }

    /// <summary>Reads a body that is a Chat Completions body and perhaps more.</summary>
    public static GenerationRequest Read(JsonElement root, ReadOnlyMemory<byte> body, string protocol, bool background = false, string? onDisconnect = null)
    {
        var ownFields = new List<OwnField>();
        var isPlain = IsPlain(root);
        var settings = isPlain ? GenerationSettings.None : ChatCompletionsSettings.Read(root);
        var tools = new ChatCompletionsTools(ownFields);
        var request = new GenerationRequest
        {
            Protocol = protocol,
            Body = body,
            Model = RequestJson.Model(root),
            Messages = ReadConversation(root, ownFields),
            Tools = isPlain ? [] : tools.Read(root),
            ToolServers = isPlain ? [] : tools.Servers,
            Settings = settings,
            OwnFields = ownFields,
            Stream = RequestJson.Boolean(root, "stream", "stream") ?? false,
            IncludeUsage = ReadIncludeUsage(root),
            Choices = settings.Choices?.Value ?? 1,
            Background = background,
            OnDisconnect = onDisconnect,
        };
        if (isPlain) return request;
        foreach (var member in root.EnumerateObject())
        {
            var name = RequestJson.Name(member);
            if (member.Value.ValueKind == JsonValueKind.Null || IsKnown(name, protocol)) continue;
            ownFields.Add(new OwnField(name, ChangesAnswer: _needed.Contains(name, StringComparer.Ordinal) && !IsTextOnly(name, member.Value)));
        }

        return request;
    }

    // Most requests say nothing but who is to answer what: then nothing else is looked for.
    private static bool IsPlain(JsonElement root)
    {
        foreach (var member in root.EnumerateObject())
        {
            var name = JsonMarshal.GetRawUtf8PropertyName(member);
            if (!name.SequenceEqual("messages"u8) && !name.SequenceEqual("model"u8) && !name.SequenceEqual("stream"u8) && !name.SequenceEqual("stream_options"u8)) return false;
        }

        return true;
    }

    private static bool IsKnown(string name, string protocol) =>
        _known.Contains(name, StringComparer.Ordinal) || (protocol == Native.NativeProtocol.ProtocolName && name is "background" or "onDisconnect");

    private static bool IsTextOnly(string name, JsonElement value) =>
        name == "modalities" && value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(m => m.ValueKind == JsonValueKind.String && RequestJson.Text(m) == "text");

    private static IReadOnlyList<Message> ReadConversation(JsonElement root, List<OwnField> ownFields)
    {
        var hasMessages = RequestJson.TryGet(root, "messages", out var messages);
        var hasPrompt = RequestJson.TryGet(root, "prompt", out _);
        if (hasMessages && hasPrompt) throw RequestJson.Error("invalid_value", "prompt", "Both 'messages' and 'prompt' are given: send one of them.");
        if (hasPrompt) return [new Message(Role.User, [new TextPart(RequestJson.Prompt(root, "prompt")) { Path = "prompt" }])];
        return hasMessages
            ? new ChatCompletionsMessages(ownFields).Read(messages)
            : throw RequestJson.Error("missing_required_parameter", "messages", $"'messages' is missing: send a list of messages, such as {Example}.");
    }

    private static bool ReadIncludeUsage(JsonElement root)
    {
        if (!RequestJson.TryGet(root, "stream_options", out var options)) return false;
        if (options.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType("stream_options", "an object", options);
        return RequestJson.Boolean(options, "include_usage", "stream_options.include_usage") ?? false;
    }
}
