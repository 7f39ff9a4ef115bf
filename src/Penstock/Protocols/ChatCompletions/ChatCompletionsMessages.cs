using System.Text.Json;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>Reads the <c>messages</c> of a Chat Completions body.</summary>
internal static class ChatCompletionsMessages
{
    public static IReadOnlyList<Message> Read(JsonElement messages)
    {
        if (messages.ValueKind != JsonValueKind.Array) throw RequestJson.WrongType("messages", "a list of messages", messages);
        var read = new List<Message>(messages.GetArrayLength());
        foreach (var message in messages.EnumerateArray()) read.Add(ReadMessage(message, $"messages[{read.Count}]"));
        if (read.Count == 0) throw RequestJson.Error("empty_array", "messages", $"'messages' is empty: send at least one message, such as {ChatCompletionsRequestReader.Example}.");
        if (read.TrueForAll(IsEmpty)) throw RequestJson.Error("invalid_value", "messages", "All messages are empty: write what you want to ask in the 'content' of one.");
        return read;
    }

    private static bool IsEmpty(Message message) => message.Parts.All(p => p.Kind == PartKind.Text && string.IsNullOrWhiteSpace(p.Text));

    private static Message ReadMessage(JsonElement message, string path)
    {
        if (message.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType(path, "an object with 'role' and 'content'", message);
        var roleName = RequestJson.String(message, "role", $"{path}.role")
            ?? throw RequestJson.Error("missing_required_parameter", $"{path}.role", $"'{path}.role' is missing: say who speaks (system, developer, user, assistant or tool).");
        var role = roleName switch
        {
            "system" or "developer" => Role.System,
            "user" => Role.User,
            "assistant" => Role.Assistant,
            "tool" or "function" => Role.Tool,
            _ => throw RequestJson.Error("invalid_value", $"{path}.role", $"'{path}.role' is '{roleName}': use system, developer, user, assistant, tool or function."),
        };
        var parts = new List<Part>();
        ReadContent(message, role, path, parts);
        if (role == Role.Assistant) ReadToolCalls(message, path, parts);
        if (role != Role.Tool) return new Message(role, parts);

        var id = RequestJson.String(message, "tool_call_id", $"{path}.tool_call_id");
        var name = RequestJson.String(message, "name", $"{path}.name");
        var text = string.Concat(parts.Where(p => p.Kind == PartKind.Text).Select(p => p.Text));
        return new Message(role, [new Part(PartKind.ToolResult, text, id, name), .. parts.Where(p => p.Kind != PartKind.Text)]);
    }

    private static void ReadContent(JsonElement message, Role role, string path, List<Part> parts)
    {
        path += ".content";
        if (!RequestJson.TryGet(message, "content", out var content))
        {
            // Only an assistant may say nothing: it called a tool, or refused.
            if (role != Role.Assistant) throw RequestJson.Error("missing_required_parameter", path, $"'{path}' is missing: send a string or a list of content parts.");
            return;
        }

        if (content.ValueKind == JsonValueKind.String)
        {
            parts.Add(new Part(PartKind.Text, RequestJson.Text(content)));
            return;
        }

        if (content.ValueKind != JsonValueKind.Array) throw RequestJson.WrongType(path, "a string or a list of content parts", content);
        var index = 0;
        foreach (var part in content.EnumerateArray()) parts.Add(ReadPart(part, $"{path}[{index++}]"));
    }

    private static Part ReadPart(JsonElement part, string path)
    {
        if (part.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType(path, "an object with a 'type'", part);
        var type = RequestJson.String(part, "type", $"{path}.type")
            ?? throw RequestJson.Error("missing_required_parameter", $"{path}.type", $"'{path}.type' is missing: say what the part is, such as \"text\".");
        return type switch
        {
            "text" => new Part(PartKind.Text, RequestJson.String(part, "text", $"{path}.text")
                ?? throw RequestJson.Error("missing_required_parameter", $"{path}.text", $"'{path}.text' is missing: send the text of the part.")),
            "image_url" => new Part(PartKind.Image, ReadImage(part, path)),
            "input_audio" => new Part(PartKind.Audio),
            "file" => new Part(PartKind.File),
            _ => new Part(PartKind.Other),
        };
    }

    private static string ReadImage(JsonElement part, string path)
    {
        path += ".image_url";
        if (!RequestJson.TryGet(part, "image_url", out var image))
            throw RequestJson.Error("missing_required_parameter", path, $"'{path}' is missing: send {{\"url\": \"…\"}}.");
        return image.ValueKind switch
        {
            JsonValueKind.String => RequestJson.Text(image), // Mistral and older servers take the bare URL
            JsonValueKind.Object => RequestJson.String(image, "url", $"{path}.url")
                ?? throw RequestJson.Error("missing_required_parameter", $"{path}.url", $"'{path}.url' is missing: send the image's URL, or a data: URL."),
            _ => throw RequestJson.WrongType(path, "an object with a 'url'", image),
        };
    }

    private static void ReadToolCalls(JsonElement message, string path, List<Part> parts)
    {
        if (RequestJson.TryGet(message, "function_call", out var legacy)) parts.Add(ReadFunctionCall(legacy, $"{path}.function_call", id: null));
        path += ".tool_calls";
        if (!RequestJson.TryGet(message, "tool_calls", out var calls)) return;
        if (calls.ValueKind != JsonValueKind.Array) throw RequestJson.WrongType(path, "a list", calls);
        var index = 0;
        foreach (var call in calls.EnumerateArray())
        {
            var at = $"{path}[{index++}]";
            if (call.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType(at, "an object", call);
            var id = RequestJson.String(call, "id", $"{at}.id");
            parts.Add(RequestJson.TryGet(call, "function", out var function)
                ? ReadFunctionCall(function, $"{at}.function", id)
                : new Part(PartKind.Other, Id: id));
        }
    }

    private static Part ReadFunctionCall(JsonElement function, string path, string? id)
    {
        if (function.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType(path, "an object with 'name' and 'arguments'", function);
        return new Part(PartKind.ToolCall, RequestJson.String(function, "arguments", $"{path}.arguments"), id, RequestJson.String(function, "name", $"{path}.name"));
    }
}
