using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Penstock.Protocols.Ollama;

/// <summary>Reads <c>messages</c>, or the <c>prompt</c> in their place. Calls have no ids here: a result answers the oldest open call of its tool.</summary>
internal sealed class OllamaMessages(List<OwnField> ownFields)
{
    private static readonly string[] _known = ["role", "content", "thinking", "images", "tool_calls", "tool_name", "tool_call_id", "name"];

    private readonly CallIds _calls = new();

    public IReadOnlyList<Message> Read(JsonElement root)
    {
        var read = new List<Message>();
        foreach (var (message, path) in RequestJson.Objects(root, "messages")) read.Add(ReadMessage(message, path));
        if (read.Count == 0) throw RequestJson.Error("missing_required_parameter", "messages", $"'messages' is missing or empty: send at least one message, such as {OllamaRequestReader.ChatExample}.");
        return read;
    }

    public static IReadOnlyList<Message> ReadPrompt(JsonElement root)
    {
        var prompt = RequestJson.String(root, "prompt", "prompt");
        if (string.IsNullOrWhiteSpace(prompt)) throw RequestJson.Error("missing_required_parameter", "prompt", $"'prompt' is missing or empty: write what you want to ask, such as {OllamaRequestReader.GenerateExample}.");
        var parts = new List<Part> { new TextPart(prompt) { Path = "prompt" } };
        ReadImages(root, "images", parts);
        var user = new Message(Role.User, parts);
        return RequestJson.String(root, "system", "system") is { Length: > 0 } system ? [new Message(Role.System, [new TextPart(system) { Path = "system" }]), user] : [user];
    }

    private Message ReadMessage(JsonElement message, string path)
    {
        var name = RequestJson.String(message, "role", $"{path}.role")
            ?? throw RequestJson.Error("missing_required_parameter", $"{path}.role", $"'{path}.role' is missing: say who speaks (system, user, assistant or tool).");
        var role = name switch
        {
            "system" => Role.System,
            "user" => Role.User,
            "assistant" => Role.Assistant,
            "tool" => Role.Tool,
            _ => throw RequestJson.Error("invalid_value", $"{path}.role", $"'{path}.role' is '{name}': use system, user, assistant or tool."),
        };
        foreach (var member in message.EnumerateObject())
        {
            var own = RequestJson.Name(member);
            if (!_known.Contains(own, StringComparer.Ordinal)) ownFields.Add(new OwnField($"{path}.{own}", ChangesAnswer: false));
        }

        var parts = new List<Part>();
        if (RequestJson.String(message, "thinking", $"{path}.thinking") is { Length: > 0 } thinking) parts.Add(new ReasoningPart(thinking) { Path = $"{path}.thinking" });
        if (RequestJson.String(message, "content", $"{path}.content") is { Length: > 0 } text) parts.Add(new TextPart(text) { Path = $"{path}.content" });
        ReadImages(message, $"{path}.images", parts);
        foreach (var (call, at) in RequestJson.Objects(message, "tool_calls", $"{path}.tool_calls")) parts.Add(ReadCall(call, at));
        if (role != Role.Tool) return new Message(role, parts);
        var tool = RequestJson.String(message, "tool_name", $"{path}.tool_name") ?? RequestJson.String(message, "name", $"{path}.name");
        var id = _calls.OfResult(RequestJson.String(message, "tool_call_id", $"{path}.tool_call_id"), tool);
        return new Message(role, [new ToolResultPart(id, parts) { Name = tool, Path = path }]);
    }

    private ToolCallPart ReadCall(JsonElement call, string path)
    {
        if (!RequestJson.TryGet(call, "function", out var function) || function.ValueKind != JsonValueKind.Object)
            throw RequestJson.Error("missing_required_parameter", $"{path}.function", $"'{path}.function' is missing: send the call's 'name' and 'arguments'.");
        var name = RequestJson.String(function, "name", $"{path}.function.name") ?? "";
        var arguments = RequestJson.TryGet(function, "arguments", out var value) ? Encoding.UTF8.GetString(JsonMarshal.GetRawUtf8Value(value)) : "{}";
        return new ToolCallPart(_calls.OfCall(RequestJson.String(call, "id", $"{path}.id"), name), name, arguments) { Path = path };
    }

    private static void ReadImages(JsonElement parent, string path, List<Part> parts)
    {
        if (!RequestJson.TryGet(parent, "images", out var images)) return;
        if (images.ValueKind != JsonValueKind.Array) throw RequestJson.WrongType(path, "a list of images in base64", images);
        var index = 0;
        foreach (var image in images.EnumerateArray())
        {
            var at = $"{path}[{index++}]";
            if (image.ValueKind != JsonValueKind.String) throw RequestJson.WrongType(at, "an image in base64", image);
            var part = DataUrl.ReadBytes(image, new MediaPart(MediaKind.Image) { Path = at });
            parts.Add(part with { MediaType = part.MediaType ?? TypeOf(part.Data.Span) });
        }
    }

    // Ollama says no type, and other providers want one; base64 of the first bytes tells.
    private static string TypeOf(ReadOnlySpan<byte> base64) =>
        base64.StartsWith("/9j/"u8) ? "image/jpeg" : base64.StartsWith("R0lGOD"u8) ? "image/gif" : base64.StartsWith("UklGR"u8) ? "image/webp" : "image/png";
}
