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

    private static readonly string[] _numbers = ["temperature", "top_p", "presence_penalty", "frequency_penalty"];

    public static GenerationRequest Read(ReadOnlyMemory<byte> body)
    {
        using var document = RequestJson.Parse(body, Example);
        return Read(document.RootElement, body, ChatCompletionsProtocol.ProtocolName);
    }

    /// <summary>Reads a body that is a Chat Completions body and perhaps more.</summary>
    public static GenerationRequest Read(JsonElement root, ReadOnlyMemory<byte> body, string protocol, bool background = false, string? onDisconnect = null)
    {
        foreach (var name in _numbers) RequestJson.Number(root, name);
        CheckStop(root);
        CheckShape(root, "tool_choice", JsonValueKind.String, "a string or an object");
        CheckShape(root, "function_call", JsonValueKind.String, "a string or an object");
        CheckShape(root, "response_format", JsonValueKind.Object, "an object");
        return new GenerationRequest
        {
            Protocol = protocol,
            Body = body,
            Model = RequestJson.Model(root),
            Messages = ReadConversation(root),
            Tools = ReadTools(root),
            Stream = RequestJson.Boolean(root, "stream", "stream") ?? false,
            IncludeUsage = ReadIncludeUsage(root),
            Choices = RequestJson.Integer(root, "n", 1, 128) ?? 1,
            MaxOutputTokens = RequestJson.Integer(root, "max_completion_tokens", 1, int.MaxValue) ?? RequestJson.Integer(root, "max_tokens", 1, int.MaxValue),
            Background = background,
            OnDisconnect = onDisconnect,
        };
    }

    private static IReadOnlyList<Message> ReadConversation(JsonElement root)
    {
        var hasMessages = RequestJson.TryGet(root, "messages", out var messages);
        var hasPrompt = RequestJson.TryGet(root, "prompt", out _);
        if (hasMessages && hasPrompt) throw RequestJson.Error("invalid_value", "prompt", "Both 'messages' and 'prompt' are given: send one of them.");
        if (hasPrompt) return [new Message(Role.User, [new Part(PartKind.Text, RequestJson.Prompt(root, "prompt"))])];
        return hasMessages
            ? ChatCompletionsMessages.Read(messages)
            : throw RequestJson.Error("missing_required_parameter", "messages", $"'messages' is missing: send a list of messages, such as {Example}.");
    }

    private static bool ReadIncludeUsage(JsonElement root)
    {
        if (!RequestJson.TryGet(root, "stream_options", out var options)) return false;
        if (options.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType("stream_options", "an object", options);
        return RequestJson.Boolean(options, "include_usage", "stream_options.include_usage") ?? false;
    }

    private static void CheckStop(JsonElement root)
    {
        if (!RequestJson.TryGet(root, "stop", out var stop) || stop.ValueKind == JsonValueKind.String) return;
        if (stop.ValueKind != JsonValueKind.Array) throw RequestJson.WrongType("stop", "a string or a list of strings", stop);
        var index = 0;
        foreach (var item in stop.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.String) throw RequestJson.WrongType($"stop[{index}]", "a string", item);
            index++;
        }
    }

    private static void CheckShape(JsonElement root, string name, JsonValueKind kind, string wanted)
    {
        if (RequestJson.TryGet(root, name, out var value) && value.ValueKind != kind && value.ValueKind != JsonValueKind.Object)
            throw RequestJson.WrongType(name, wanted, value);
    }

    private static List<Tool> ReadTools(JsonElement root)
    {
        var tools = new List<Tool>();
        foreach (var (tool, path) in Objects(root, "tools"))
        {
            // Other types of tool (custom, web search …) are the provider's own affair.
            if (RequestJson.String(tool, "type", $"{path}.type") is { } type and not "function") continue;
            if (!RequestJson.TryGet(tool, "function", out var function))
                throw RequestJson.Error("missing_required_parameter", $"{path}.function", $"'{path}.function' is missing: describe the function, with its name.");
            tools.Add(ReadFunction(function, $"{path}.function"));
        }

        foreach (var (function, path) in Objects(root, "functions")) tools.Add(ReadFunction(function, path));
        return tools;
    }

    private static Tool ReadFunction(JsonElement function, string path)
    {
        if (function.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType(path, "an object", function);
        var name = RequestJson.String(function, "name", $"{path}.name");
        if (string.IsNullOrEmpty(name)) throw RequestJson.Error("missing_required_parameter", $"{path}.name", $"'{path}.name' is missing: name the function.");
        ReadOnlyMemory<byte> parameters = default;
        if (RequestJson.TryGet(function, "parameters", out var schema))
        {
            if (schema.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType($"{path}.parameters", "a JSON schema (an object)", schema);
            parameters = JsonMarshal.GetRawUtf8Value(schema).ToArray();
        }

        return new Tool(name, RequestJson.String(function, "description", $"{path}.description"), parameters);
    }

    private static IEnumerable<(JsonElement Item, string Path)> Objects(JsonElement root, string name)
    {
        if (!RequestJson.TryGet(root, name, out var list)) yield break;
        if (list.ValueKind != JsonValueKind.Array) throw RequestJson.WrongType(name, "a list", list);
        var index = 0;
        foreach (var item in list.EnumerateArray())
        {
            var path = $"{name}[{index++}]";
            if (item.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType(path, "an object", item);
            yield return (item, path);
        }
    }
}
