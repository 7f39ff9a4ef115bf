using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>Reads the <c>messages</c> of a Chat Completions body.</summary>
internal sealed class ChatCompletionsMessages(List<OwnField> ownFields)
{
    private static readonly string[] _known = ["role", "content", "name", "tool_call_id", "tool_calls", "function_call", "refusal", "reasoning", "reasoning_content", "reasoning_details", "audio"];

    public IReadOnlyList<Message> Read(JsonElement messages)
    {
        if (messages.ValueKind != JsonValueKind.Array) throw RequestJson.WrongType("messages", "a list of messages", messages);
        var read = new List<Message>(messages.GetArrayLength());
        foreach (var message in messages.EnumerateArray()) read.Add(ReadMessage(message, $"messages[{read.Count.ToString(CultureInfo.InvariantCulture)}]"));
        if (read.Count == 0) throw RequestJson.Error("empty_array", "messages", $"'messages' is empty: send at least one message, such as {ChatCompletionsRequestReader.Example}.");
        if (read.TrueForAll(IsEmpty)) throw RequestJson.Error("invalid_value", "messages", "All messages are empty: write what you want to ask in the 'content' of one.");
        return read;
    }

    private static bool IsEmpty(Message message)
    {
        for (var i = 0; i < message.Parts.Count; i++)
        {
            if (message.Parts[i] is not TextPart text || !string.IsNullOrWhiteSpace(text.Text)) return false;
        }

        return true;
    }

    private Message ReadMessage(JsonElement message, string path)
    {
        if (message.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType(path, "an object with 'role' and 'content'", message);
        var roleName = RequestJson.StringOf(message, "role", path)
            ?? throw RequestJson.Error("missing_required_parameter", $"{path}.role", $"'{path}.role' is missing: say who speaks (system, developer, user, assistant or tool).");
        var role = roleName switch
        {
            "system" => Role.System,
            "developer" => Role.Developer,
            "user" => Role.User,
            "assistant" => Role.Assistant,
            "tool" or "function" => Role.Tool,
            _ => throw RequestJson.Error("invalid_value", $"{path}.role", $"'{path}.role' is '{roleName}': use system, developer, user, assistant, tool or function."),
        };
        var name = RequestJson.StringOf(message, "name", path);
        if (name is not null && roleName != "function") ownFields.Add(new OwnField($"{path}.name", ChangesAnswer: false));
        foreach (var member in message.EnumerateObject())
        {
            var raw = JsonMarshal.GetRawUtf8PropertyName(member);
            if (raw.SequenceEqual("role"u8) || raw.SequenceEqual("content"u8)) continue; // as most are
            var own = RequestJson.Name(member);
            if (!_known.Contains(own, StringComparer.Ordinal)) ownFields.Add(new OwnField($"{path}.{own}", ChangesAnswer: false));
        }

        var parts = new List<Part>();
        if (role == Role.Assistant) ChatCompletionsReasoning.Read(message, path, parts);
        ReadContent(message, role, path, parts);
        if (role == Role.Assistant) ReadAnswer(message, path, parts);
        if (role != Role.Tool) return new Message(role, parts);
        return new Message(role, [new ToolResultPart(RequestJson.StringOf(message, "tool_call_id", path) ?? "", parts) { Name = name, Path = path }]);
    }

    private void ReadContent(JsonElement message, Role role, string path, List<Part> parts)
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
            parts.Add(new TextPart(RequestJson.Text(content)) { Path = path });
            return;
        }

        if (content.ValueKind != JsonValueKind.Array) throw RequestJson.WrongType(path, "a string or a list of content parts", content);
        var index = 0;
        foreach (var part in content.EnumerateArray()) parts.Add(ReadPart(part, $"{path}[{index++}]"));
    }

    private Part ReadPart(JsonElement part, string path)
    {
        if (part.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType(path, "an object with a 'type'", part);
        var type = RequestJson.StringOf(part, "type", path)
            ?? throw RequestJson.Error("missing_required_parameter", $"{path}.type", $"'{path}.type' is missing: say what the part is, such as \"text\".");
        Part read = type switch
        {
            "text" => new TextPart(RequestJson.StringOf(part, "text", path)
                ?? throw RequestJson.Error("missing_required_parameter", $"{path}.text", $"'{path}.text' is missing: send the text of the part.")),
            "refusal" => new TextPart(RequestJson.StringOf(part, "refusal", path) ?? "") { IsRefusal = true },
            "image_url" => ChatCompletionsMedia.ReadImage(part, path),
            "input_audio" => ChatCompletionsMedia.ReadAudio(part, path),
            "file" => ChatCompletionsMedia.ReadFile(part, path),
            _ => new OtherPart(),
        };
        if (read is OtherPart) ownFields.Add(new OwnField($"{path} ({type})", ChangesAnswer: true));
        return read with
        {
            Path = path,
            CacheControl = RequestJson.TryGet(part, "cache_control", out var mark) ? JsonMarshal.GetRawUtf8Value(mark).ToArray() : default, // OpenRouter's
        };
    }

    private void ReadAnswer(JsonElement message, string path, List<Part> parts)
    {
        if (RequestJson.StringOf(message, "refusal", path) is { Length: > 0 } refusal) parts.Add(new TextPart(refusal) { IsRefusal = true, Path = $"{path}.refusal" });
        if (RequestJson.TryGet(message, "audio", out _)) ownFields.Add(new OwnField($"{path}.audio", ChangesAnswer: true));
        if (RequestJson.TryGet(message, "function_call", out var legacy)) parts.Add(ReadFunctionCall(legacy, $"{path}.function_call", id: ""));
        path += ".tool_calls";
        if (!RequestJson.TryGet(message, "tool_calls", out var calls)) return;
        if (calls.ValueKind != JsonValueKind.Array) throw RequestJson.WrongType(path, "a list", calls);
        var index = 0;
        foreach (var call in calls.EnumerateArray()) parts.Add(ReadToolCall(call, $"{path}[{index++}]"));
    }

    private Part ReadToolCall(JsonElement call, string path)
    {
        if (call.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType(path, "an object", call);
        var id = RequestJson.StringOf(call, "id", path) ?? "";
        if (RequestJson.TryGet(call, "function", out var function))
            return ReadFunctionCall(function, $"{path}.function", id) with { Signature = ChatCompletionsReasoning.ReadCallSignature(call) };
        ownFields.Add(new OwnField(path, ChangesAnswer: true));
        return new OtherPart { Path = path };
    }

    private static ToolCallPart ReadFunctionCall(JsonElement function, string path, string id)
    {
        if (function.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType(path, "an object with 'name' and 'arguments'", function);
        var name = RequestJson.StringOf(function, "name", path) ?? "";
        return new ToolCallPart(id, name, RequestJson.StringOf(function, "arguments", path) ?? "") { Path = path };
    }
}
