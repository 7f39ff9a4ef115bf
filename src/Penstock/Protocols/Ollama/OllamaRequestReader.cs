using System.Text.Json;
using Penstock.Protocols.ChatCompletions;

namespace Penstock.Protocols.Ollama;

/// <summary>Reads the body of <c>/api/chat</c> or <c>/api/generate</c>.</summary>
internal static class OllamaRequestReader
{
    public const string ChatExample = """{"model": "simulated/chat", "messages": [{"role": "user", "content": "Hello"}]}""";
    public const string GenerateExample = """{"model": "simulated/chat", "prompt": "Hello"}""";

    private static readonly string[] _known = ["model", "messages", "prompt", "system", "images", "stream", "tools", "options", "format", "think"];

    // What no other protocol has a word for, and the answer depends on.
    private static readonly string[] _needed = ["suffix", "template", "raw", "context"];

    public static GenerationRequest Read(ReadOnlyMemory<byte> body, string protocol, bool isChat)
    {
        using var document = RequestJson.Parse(body, isChat ? ChatExample : GenerateExample);
        var root = document.RootElement;
        var ownFields = new List<OwnField>();
        var request = new GenerationRequest
        {
            Protocol = protocol,
            Body = body,
            Model = RequestJson.Model(root),
            Messages = isChat ? new OllamaMessages(ownFields).Read(root) : OllamaMessages.ReadPrompt(root),
            Tools = new ChatCompletionsTools(ownFields).Read(root),
            Settings = new OllamaSettings(ownFields).Read(root),
            OwnFields = ownFields,
            Stream = RequestJson.Boolean(root, "stream", "stream") ?? true,
        };
        foreach (var member in root.EnumerateObject())
        {
            var name = RequestJson.Name(member);
            if (member.Value.ValueKind is JsonValueKind.Null or JsonValueKind.False || _known.Contains(name, StringComparer.Ordinal)) continue;
            ownFields.Add(new OwnField(name, ChangesAnswer: _needed.Contains(name, StringComparer.Ordinal) && !IsEmpty(member.Value)));
        }

        return request;
    }

    /// <summary>Whether the body asks for nothing but the model: then Ollama loads it, and says that it is done.</summary>
    public static bool OnlyLoads(ReadOnlyMemory<byte> body, bool isChat, out string? model)
    {
        using var document = RequestJson.Parse(body, isChat ? ChatExample : GenerateExample);
        var root = document.RootElement;
        model = RequestJson.Model(root);
        return IsAbsent(root, "prompt") && IsAbsent(root, "messages") && IsAbsent(root, "images");
    }

    private static bool IsAbsent(JsonElement root, string name) => !RequestJson.TryGet(root, name, out var value) || IsEmpty(value);

    private static bool IsEmpty(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.ValueEquals(""u8),
        JsonValueKind.Array => value.GetArrayLength() == 0,
        _ => false,
    };
}
