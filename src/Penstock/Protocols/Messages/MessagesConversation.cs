using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Penstock.Protocols.Messages;

/// <summary>Reads <c>system</c> and <c>messages</c>.</summary>
internal sealed class MessagesConversation(List<OwnField> ownFields)
{
    private bool _hasServers;

    /// <summary>Whether it holds calls of tools that this server ran, once it is read.</summary>
    public bool HoldsServerCalls { get; private set; }

    public IReadOnlyList<Message> Read(JsonElement root)
    {
        var read = new List<Message>();
        _hasServers = RequestJson.TryGet(root, "mcp_servers", out _); // then they are the provider's
        if (RequestJson.TryGet(root, "system", out var system)) read.Add(new Message(Role.System, ReadContent(system, Role.System, "system")));
        if (!RequestJson.TryGet(root, "messages", out var messages))
            throw RequestJson.Error("missing_required_parameter", "messages", $"'messages' is missing: send a list of messages, such as {MessagesRequestReader.Example}.");
        if (messages.ValueKind != JsonValueKind.Array) throw RequestJson.WrongType("messages", "a list of messages", messages);
        if (messages.GetArrayLength() == 0)
            throw RequestJson.Error("empty_array", "messages", $"'messages' is empty: send at least one message, such as {MessagesRequestReader.Example}.");
        var index = 0;
        foreach (var message in messages.EnumerateArray()) read.AddRange(MessagesServerCalls.Split(ReadMessage(message, $"messages[{index++}]")));
        return read;
    }

    private Message ReadMessage(JsonElement message, string path)
    {
        if (message.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType(path, "an object with 'role' and 'content'", message);
        var name = RequestJson.String(message, "role", $"{path}.role")
            ?? throw RequestJson.Error("missing_required_parameter", $"{path}.role", $"'{path}.role' is missing: say who speaks (user or assistant).");
        var role = name switch
        {
            "user" => Role.User,
            "assistant" => Role.Assistant,
            "system" => Role.System,
            _ => throw RequestJson.Error("invalid_value", $"{path}.role", $"'{path}.role' is '{name}': use user or assistant, and 'system' beside 'messages' for instructions."),
        };
        MessagesFields.TakeOwn(message, path, ownFields, "role", "content");
        path += ".content";
        if (!RequestJson.TryGet(message, "content", out var content))
            throw RequestJson.Error("missing_required_parameter", path, $"'{path}' is missing: send a string or a list of content blocks.");
        return new Message(role, ReadContent(content, role, path));
    }

    private List<Part> ReadContent(JsonElement content, Role role, string path)
    {
        var parts = new List<Part>();
        if (content.ValueKind == JsonValueKind.String)
        {
            parts.Add(new TextPart(RequestJson.Text(content)) { Path = path });
            return parts;
        }

        if (content.ValueKind != JsonValueKind.Array) throw RequestJson.WrongType(path, "a string or a list of content blocks", content);
        var index = 0;
        foreach (var block in content.EnumerateArray()) ReadBlock(block, role, $"{path}[{index++}]", parts);
        return parts;
    }

    private void ReadBlock(JsonElement block, Role role, string path, List<Part> parts)
    {
        if (block.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType(path, "an object with a 'type'", block);
        var type = RequestJson.String(block, "type", $"{path}.type")
            ?? throw RequestJson.Error("missing_required_parameter", $"{path}.type", $"'{path}.type' is missing: say what the block is, such as \"text\".");
        var count = parts.Count;
        switch (type)
        {
            case "text":
                MessagesFields.TakeOwn(block, path, ownFields, "type", "text", "cache_control");
                parts.Add(new TextPart(Required(block, "text", path)) { Path = path });
                break;
            case "image":
                MessagesFields.TakeOwn(block, path, ownFields, "type", "source", "cache_control");
                parts.Add(MessagesMedia.Read(MessagesMedia.Source(block, path), MediaKind.Image, $"{path}.source") with { Path = path });
                break;
            case "document":
                ReadDocument(block, role, path, parts);
                break;
            case "search_result":
                ReadSearchResult(block, role, path, parts);
                break;
            case "thinking":
                parts.Add(new ReasoningPart(RequestJson.String(block, "thinking", $"{path}.thinking") ?? "")
                {
                    Signature = RequestJson.String(block, "signature", $"{path}.signature") is { Length: > 0 } signature ? signature : null,
                    Path = path,
                });
                break;
            case "redacted_thinking":
                var data = Required(block, "data", path);
                if (!MessagesCallSignature.TryTake(data, parts)) parts.Add(new ReasoningPart("") { Signature = data, IsRedacted = true, Path = path });
                break;
            case "tool_use":
                MessagesFields.TakeOwn(block, path, ownFields, "type", "id", "name", "input", "caller", "cache_control");
                parts.Add(new ToolCallPart(Required(block, "id", path), Required(block, "name", path), ReadInput(block)) { Path = path });
                break;
            case "tool_result":
                parts.Add(ReadResult(block, role, path));
                break;
            case "mcp_tool_use" when role == Role.Assistant && !_hasServers:
                HoldsServerCalls = true;
                parts.Add(new ToolCallPart(Required(block, "id", path), Required(block, "name", path), ReadInput(block)) { Path = path });
                break;
            case "mcp_tool_result" when role == Role.Assistant && !_hasServers:
                parts.Add(ReadResult(block, role, path));
                break;
            default:
                // What the provider's own tools did earlier is told by the assistant's text too.
                ownFields.Add(new OwnField($"{path} ({type})", ChangesAnswer: role != Role.Assistant));
                parts.Add(new OtherPart { Path = path });
                break;
        }

        if (parts.Count > count && RequestJson.TryGet(block, "cache_control", out var mark))
            parts[^1] = parts[^1] with { CacheControl = JsonMarshal.GetRawUtf8Value(mark).ToArray() };
    }

    private ToolResultPart ReadResult(JsonElement block, Role role, string path)
    {
        MessagesFields.TakeOwn(block, path, ownFields, "type", "tool_use_id", "content", "is_error", "cache_control");
        return new ToolResultPart(
            Required(block, "tool_use_id", path),
            RequestJson.TryGet(block, "content", out var content) ? ReadContent(content, role, $"{path}.content") : [])
        {
            IsError = RequestJson.Boolean(block, "is_error", $"{path}.is_error") ?? false,
            Path = path,
        };
    }

    // A document of plain text is text to every other model.
    private void ReadDocument(JsonElement block, Role role, string path, List<Part> parts)
    {
        MessagesFields.TakeOwn(block, path, ownFields, "type", "source", "title", "cache_control");
        var source = MessagesMedia.Source(block, path);
        switch (RequestJson.String(source, "type", $"{path}.source.type"))
        {
            case "text":
                parts.Add(new TextPart(Required(source, "data", $"{path}.source")) { Path = path });
                break;
            case "content" when RequestJson.TryGet(source, "content", out var content):
                parts.AddRange(ReadContent(content, role, $"{path}.source.content"));
                break;
            default:
                parts.Add(MessagesMedia.Read(source, MediaKind.File, $"{path}.source") with
                {
                    FileName = RequestJson.String(block, "title", $"{path}.title"),
                    Path = path,
                });
                break;
        }
    }

    private void ReadSearchResult(JsonElement block, Role role, string path, List<Part> parts)
    {
        MessagesFields.TakeOwn(block, path, ownFields, "type", "source", "title", "content", "cache_control");
        parts.Add(new TextPart($"{Required(block, "title", path)}\n{Required(block, "source", path)}\n") { Path = path });
        if (RequestJson.TryGet(block, "content", out var content)) parts.AddRange(ReadContent(content, role, $"{path}.content"));
    }

    private static string ReadInput(JsonElement block) =>
        RequestJson.TryGet(block, "input", out var input) ? Encoding.UTF8.GetString(JsonMarshal.GetRawUtf8Value(input)) : "{}";

    private static string Required(JsonElement parent, string name, string path) =>
        RequestJson.String(parent, name, $"{path}.{name}")
        ?? throw RequestJson.Error("missing_required_parameter", $"{path}.{name}", $"'{path}.{name}' is missing: send it as a string.");
}
