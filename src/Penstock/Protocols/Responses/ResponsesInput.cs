using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>Reads <c>input</c>: a string, or items, of which those that the model said one after another become one message.</summary>
internal sealed class ResponsesInput(List<Message> messages, List<OwnField> ownFields, ResponsesApprovals approvals)
{
    private readonly ResponsesContent _content = new(ownFields);

    public IReadOnlyList<Message> Read(JsonElement input)
    {
        if (input.ValueKind == JsonValueKind.String)
        {
            if (string.IsNullOrWhiteSpace(RequestJson.Text(input))) throw RequestJson.Error("invalid_value", "input", "'input' is empty: write what you want to ask.");
            messages.Add(new Message(Role.User, [new TextPart(RequestJson.Text(input)) { Path = "input" }]));
            return messages;
        }

        if (input.ValueKind != JsonValueKind.Array) throw RequestJson.WrongType("input", "a string or a list of items", input);
        if (input.GetArrayLength() == 0) throw RequestJson.Error("empty_array", "input", $"'input' is empty: send at least one item, or a string, such as {ResponsesRequestReader.Example}.");
        var index = 0;
        foreach (var item in input.EnumerateArray())
        {
            var path = $"input[{index++}]";
            if (item.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType(path, "an object", item);
            ReadItem(item, path);
        }

        return messages;
    }

    private void ReadItem(JsonElement item, string path)
    {
        var type = RequestJson.String(item, "type", $"{path}.type") ?? (RequestJson.TryGet(item, "role", out _) ? "message" : null)
            ?? throw RequestJson.Error("missing_required_parameter", $"{path}.type", $"'{path}.type' is missing: say what the item is, such as \"message\".");
        if (approvals.Take(item, type, path)) return;
        switch (type)
        {
            case "message":
                ReadMessage(item, path);
                break;
            case "function_call":
                Add(Role.Assistant, new ToolCallPart(CallId(item, path), Required(item, "name", path), RequestJson.String(item, "arguments", $"{path}.arguments") ?? "")
                {
                    Path = path,
                    Signature = ChatCompletions.ChatCompletionsReasoning.ReadCallSignature(item),
                });
                break;
            case "custom_tool_call":
                Add(Role.Assistant, new ToolCallPart(CallId(item, path), Required(item, "name", path), InputArgument(Required(item, "input", path))) { Path = path });
                break;
            case "mcp_call" when TryReadServerCall(item, path):
                break;
            case "function_call_output" or "custom_tool_call_output":
                Add(Role.Tool, new ToolResultPart(CallId(item, path), _content.Read(item, "output", $"{path}.output")) { Path = path });
                break;
            case "reasoning":
                Add(Role.Assistant, ReadReasoning(item, path));
                break;
            default:
                ownFields.Add(new OwnField($"{path} ({type})", ChangesAnswer: !ResponsesItemTypes.IsRecord(type)));
                break;
        }
    }

    // To the model a call like any other. One without a result it need not see.
    private bool TryReadServerCall(JsonElement item, string path)
    {
        var error = JsonParts.String(item, "error"u8);
        if ((error ?? JsonParts.String(item, "output"u8)) is not { } output) return false;
        var id = Required(item, "id", path);
        Add(Role.Assistant, new ToolCallPart(id, Required(item, "name", path), RequestJson.String(item, "arguments", $"{path}.arguments") ?? "") { Path = path });
        Add(Role.Tool, new ToolResultPart(id, [new TextPart(output)]) { IsError = error is not null, Path = path });
        return true;
    }

    private void ReadMessage(JsonElement item, string path)
    {
        var name = Required(item, "role", path);
        var role = name switch
        {
            "system" => Role.System,
            "developer" => Role.Developer,
            "user" => Role.User,
            "assistant" => Role.Assistant,
            _ => throw RequestJson.Error("invalid_value", $"{path}.role", $"'{path}.role' is '{name}': use system, developer, user or assistant."),
        };
        var parts = _content.Read(item, "content", $"{path}.content");
        if (role == Role.Assistant) foreach (var part in parts) Add(role, part);
        else messages.Add(new Message(role, parts));
    }

    private static ReasoningPart ReadReasoning(JsonElement item, string path)
    {
        var text = new StringBuilder();
        foreach (var (part, at) in RequestJson.Objects(item, "summary", $"{path}.summary")) text.Append(RequestJson.String(part, "text", $"{at}.text"));
        foreach (var (part, at) in RequestJson.Objects(item, "content", $"{path}.content")) text.Append(RequestJson.String(part, "text", $"{at}.text"));
        var encrypted = RequestJson.String(item, "encrypted_content", $"{path}.encrypted_content");
        return new ReasoningPart(text.ToString()) { Signature = encrypted, IsRedacted = text.Length == 0 && encrypted is not null, Path = path };
    }

    private void Add(Role role, Part part)
    {
        if (messages is [.., { Parts: List<Part> parts } last] && last.Role == role) parts.Add(part); // a copy each would be quadratic
        else messages.Add(new Message(role, new List<Part> { part }));
    }

    private static string CallId(JsonElement item, string path) => Required(item, "call_id", path);

    private static string Required(JsonElement item, string name, string path) =>
        RequestJson.String(item, name, $"{path}.{name}") ?? throw RequestJson.Error("missing_required_parameter", $"{path}.{name}", $"'{path}.{name}' is missing.");

    // A custom tool takes any text; as a function's argument it has a name.
    private static string InputArgument(string input)
    {
        var json = new ArrayBufferWriter<byte>();
        json.Write("{\"input\":"u8);
        JsonText.WriteString(input, json);
        json.Write("}"u8);
        return Encoding.UTF8.GetString(json.WrittenSpan);
    }
}
