using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Penstock.Protocols.UiMessages;

/// <summary>Reads UI messages: a message of the assistant's holds its calls with their results, step by step.</summary>
internal sealed class UiMessagesConversation(List<OwnField> ownFields)
{
    public List<Message> Read(JsonElement root)
    {
        var read = new List<Message>();
        foreach (var (message, path) in RequestJson.Objects(root, "messages"))
        {
            var name = RequestJson.String(message, "role", $"{path}.role");
            var role = name switch
            {
                "system" => Role.System,
                "user" => Role.User,
                "assistant" => Role.Assistant,
                null => throw RequestJson.Error("missing_required_parameter", $"{path}.role", $"'{path}.role' is missing: say who speaks (system, user or assistant)."),
                _ => throw RequestJson.Error("invalid_value", $"{path}.role", $"'{path}.role' is '{name}': use system, user or assistant."),
            };
            AddMessage(message, path, role, read);
        }

        if (read.Count == 0) throw RequestJson.Error("missing_required_parameter", "messages", $"'messages' is missing or empty: send at least one message, such as {UiMessagesRequestReader.Example}.");
        return read;
    }

    private void AddMessage(JsonElement message, string path, Role role, List<Message> read)
    {
        var (parts, results) = (new List<Part>(), new List<Part>());
        foreach (var (part, at) in RequestJson.Objects(message, "parts", $"{path}.parts"))
        {
            var type = RequestJson.String(part, "type", $"{at}.type") ?? throw RequestJson.Error("missing_required_parameter", $"{at}.type", $"'{at}.type' is missing: say what the part is, such as \"text\".");
            switch (type)
            {
                case "text":
                    if (RequestJson.String(part, "text", $"{at}.text") is { Length: > 0 } text) parts.Add(new TextPart(text) { Path = at });
                    break;
                case "reasoning":
                    parts.Add(ReadReasoning(part, at));
                    break;
                case "file":
                    parts.Add(ReadFile(part, at));
                    break;
                case "step-start":
                    Flush();
                    break;
                case "dynamic-tool":
                    AddCall(part, at, RequestJson.String(part, "toolName", $"{at}.toolName") ?? "");
                    break;
                case var tool when tool.StartsWith("tool-", StringComparison.Ordinal):
                    AddCall(part, at, tool["tool-".Length..]);
                    break;
                case "source-url" or "source-document":
                    break; // what an answer cited
                case var data when data.StartsWith("data-", StringComparison.Ordinal):
                    break; // the page's own
                default:
                    ownFields.Add(new OwnField($"{at} ({type})", ChangesAnswer: true));
                    break;
            }
        }

        Flush();

        void AddCall(JsonElement part, string at, string tool)
        {
            var id = RequestJson.String(part, "toolCallId", $"{at}.toolCallId") ?? "";
            var input = RequestJson.TryGet(part, "input", out var value) ? Encoding.UTF8.GetString(JsonMarshal.GetRawUtf8Value(value)) : "{}";
            if (ReadResult(part, at, id, tool) is not { } result) return; // it was never run, and no model takes a call without a result
            parts.Add(new ToolCallPart(id, tool, input) { Path = at, Signature = ReadSignature(part, "callProviderMetadata", out _) });
            results.Add(result);
        }

        void Flush()
        {
            if (parts.Count > 0) read.Add(new Message(role, [.. parts]));
            if (results.Count > 0) read.Add(new Message(Role.Tool, [.. results]));
            parts.Clear();
            results.Clear();
        }
    }

    private static ToolResultPart? ReadResult(JsonElement part, string path, string id, string tool)
    {
        var (text, isError) = RequestJson.String(part, "state", $"{path}.state") switch
        {
            "output-available" => (ReadOutput(part), false),
            "output-error" => (RequestJson.String(part, "errorText", $"{path}.errorText") ?? "The tool failed.", true),
            "output-denied" => ("The user did not allow this call.", true),
            _ => (null, false),
        };
        return text is null ? null : new ToolResultPart(id, [new TextPart(text)]) { Name = tool, IsError = isError, Path = path };
    }

    private static string ReadOutput(JsonElement part)
    {
        if (!RequestJson.TryGet(part, "output", out var output)) return "";
        return output.ValueKind == JsonValueKind.String ? RequestJson.Text(output) : Encoding.UTF8.GetString(JsonMarshal.GetRawUtf8Value(output));
    }

    private static ReasoningPart ReadReasoning(JsonElement part, string path)
    {
        var signature = ReadSignature(part, "providerMetadata", out var isRedacted);
        return new ReasoningPart(RequestJson.String(part, "text", $"{path}.text") ?? "") { Path = path, Signature = signature, IsRedacted = isRedacted };
    }

    // What UiMessagesEventWriter put there.
    private static string? ReadSignature(JsonElement part, string name, out bool isRedacted)
    {
        isRedacted = false;
        if (!RequestJson.TryGet(part, name, out var all) || all.ValueKind != JsonValueKind.Object) return null;
        if (!RequestJson.TryGet(all, "penstock", out var ours) || ours.ValueKind != JsonValueKind.Object) return null;
        isRedacted = RequestJson.TryGet(ours, "redacted", out var redacted) && redacted.ValueKind == JsonValueKind.True;
        return RequestJson.TryGet(ours, "signature", out var signature) && signature.ValueKind == JsonValueKind.String ? RequestJson.Text(signature) : null;
    }

    private static MediaPart ReadFile(JsonElement part, string path)
    {
        var type = RequestJson.String(part, "mediaType", $"{path}.mediaType");
        var kind = type?.StartsWith("image/", StringComparison.Ordinal) == true ? MediaKind.Image : type?.StartsWith("audio/", StringComparison.Ordinal) == true ? MediaKind.Audio : MediaKind.File;
        if (!RequestJson.TryGet(part, "url", out var url) || url.ValueKind != JsonValueKind.String)
            throw RequestJson.Error("missing_required_parameter", $"{path}.url", $"'{path}.url' is missing: send the file as a data: URL.");
        var read = DataUrl.Read(url, new MediaPart(kind) { Path = path, FileName = RequestJson.String(part, "filename", $"{path}.filename") });
        return read with { MediaType = type ?? read.MediaType };
    }
}
