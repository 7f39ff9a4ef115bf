using System.Text.Json;

namespace Penstock.Protocols.AgUi;

/// <summary>Reads the messages of a <c>RunAgentInput</c>.</summary>
internal sealed class AgUiConversation(List<OwnField> ownFields)
{
    public List<Message> Read(JsonElement root)
    {
        var read = new List<Message>();
        foreach (var (message, path) in RequestJson.Objects(root, "messages"))
        {
            if (ReadMessage(message, path) is { } found) read.Add(found);
        }

        if (read.Count == 0) throw RequestJson.Error("missing_required_parameter", "messages", $"'messages' is missing or empty: send a body such as {AgUiRequestReader.Example}.");
        return read;
    }

    private Message? ReadMessage(JsonElement message, string path)
    {
        var role = RequestJson.String(message, "role", $"{path}.role");
        var parts = new List<Part>();
        if (role != "activity") ReadContent(message, $"{path}.content", parts);
        switch (role)
        {
            case "user":
                return new Message(Role.User, parts);
            case "system":
                return new Message(Role.System, parts);
            case "developer":
                return new Message(Role.Developer, parts);
            case "assistant":
                foreach (var (call, at) in RequestJson.Objects(message, "toolCalls", $"{path}.toolCalls")) parts.Add(ReadCall(call, at));
                return new Message(Role.Assistant, parts);
            case "reasoning":
                return new Message(Role.Assistant, [new ReasoningPart(string.Concat(parts.OfType<TextPart>().Select(p => p.Text)))
                {
                    Path = path,
                    Signature = RequestJson.String(message, "encryptedValue", $"{path}.encryptedValue"),
                }]);
            case "tool":
                var error = RequestJson.String(message, "error", $"{path}.error");
                if (error is not null && parts.Count == 0) parts.Add(new TextPart(error));
                return new Message(Role.Tool, [new ToolResultPart(RequestJson.String(message, "toolCallId", $"{path}.toolCallId") ?? "", parts) { IsError = error is not null, Path = path }]);
            case "activity":
                return null; // what the page showed, and no word of the conversation
            default:
                throw RequestJson.Error("invalid_value", $"{path}.role", $"'{path}.role' is '{role}': use user, assistant, system, developer, tool or reasoning.");
        }
    }

    private void ReadContent(JsonElement message, string path, List<Part> parts)
    {
        if (!RequestJson.TryGet(message, "content", out var content)) return;
        if (content.ValueKind == JsonValueKind.String)
        {
            if (RequestJson.Text(content) is { Length: > 0 } text) parts.Add(new TextPart(text) { Path = path });
            return;
        }

        foreach (var (part, at) in RequestJson.Objects(message, "content", path))
        {
            var type = RequestJson.String(part, "type", $"{at}.type");
            Part read = type switch
            {
                "text" => new TextPart(RequestJson.String(part, "text", $"{at}.text") ?? ""),
                "image" => ReadSource(part, new MediaPart(MediaKind.Image), at),
                "audio" => ReadSource(part, new MediaPart(MediaKind.Audio), at),
                "video" or "document" => ReadSource(part, new MediaPart(MediaKind.File), at),
                _ => new OtherPart(),
            };
            if (read is OtherPart) ownFields.Add(new OwnField($"{at} ({type})", ChangesAnswer: true));
            parts.Add(read with { Path = at });
        }
    }

    private static Part ReadSource(JsonElement part, MediaPart media, string path)
    {
        if (!RequestJson.TryGet(part, "source", out var source) || source.ValueKind != JsonValueKind.Object || !RequestJson.TryGet(source, "value", out var value) || value.ValueKind != JsonValueKind.String)
            return new OtherPart();
        media = media with { MediaType = RequestJson.String(source, "mimeType", $"{path}.source.mimeType") };
        return RequestJson.String(source, "type", $"{path}.source.type") switch
        {
            "data" => DataUrl.ReadBytes(value, media),
            "url" => DataUrl.Read(value, media),
            _ => new OtherPart(),
        };
    }

    private static ToolCallPart ReadCall(JsonElement call, string path)
    {
        if (!RequestJson.TryGet(call, "function", out var function) || function.ValueKind != JsonValueKind.Object)
            throw RequestJson.Error("missing_required_parameter", $"{path}.function", $"'{path}.function' is missing: send the call's 'name' and 'arguments'.");
        return new ToolCallPart(
            RequestJson.String(call, "id", $"{path}.id") ?? "",
            RequestJson.String(function, "name", $"{path}.function.name") ?? "",
            RequestJson.String(function, "arguments", $"{path}.function.arguments") ?? "")
        {
            Path = path,
            Signature = RequestJson.String(call, "encryptedValue", $"{path}.encryptedValue"),
        };
    }
}
