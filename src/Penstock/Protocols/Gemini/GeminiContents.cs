using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Penstock.Protocols.Gemini;

/// <summary>Reads <c>systemInstruction</c> and <c>contents</c>.</summary>
internal sealed class GeminiContents(List<OwnField> ownFields)
{
    private readonly CallIds _ids = new();
    private GeminiTurn _turn = new();

    public IReadOnlyList<Message> Read(JsonElement root)
    {
        var messages = new List<Message>();
        if (GeminiJson.TryGet(root, "systemInstruction", out var system)) messages.Add(ReadSystem(system));
        var instructions = messages.Count;
        if (!GeminiJson.TryGet(root, "contents", out var contents))
            throw RequestJson.Error("missing_required_parameter", "contents", $"'contents' is missing: send a list of contents, such as {GeminiRequestReader.Example}.");
        if (contents.ValueKind == JsonValueKind.String) messages.Add(new Message(Role.User, [new TextPart(RequestJson.Text(contents)) { Path = "contents" }]));
        else foreach (var (content, path) in GeminiJson.Objects(root, "contents", "contents")) ReadContent(content, path, messages);
        _turn.End();
        if (messages.Count == instructions)
            throw RequestJson.Error("empty_array", "contents", $"'contents' is empty: send at least one, such as {GeminiRequestReader.Example}.");
        if (messages.Skip(instructions).All(m => m.Parts.All(p => p is TextPart text && string.IsNullOrWhiteSpace(text.Text))))
            throw RequestJson.Error("invalid_value", "contents", "All contents are empty: write what you want to ask in the 'text' of a part.");
        return messages;
    }

    private Message ReadSystem(JsonElement system)
    {
        const string Path = "systemInstruction";
        if (system.ValueKind == JsonValueKind.String) return new Message(Role.System, [new TextPart(RequestJson.Text(system)) { Path = Path }]);
        if (system.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType(Path, "an object with 'parts'", system);
        ReadParts(system, Path, continues: false);
        return new Message(Role.System, _turn.Parts);
    }

    private void ReadContent(JsonElement content, string path, List<Message> messages)
    {
        var roleName = GeminiJson.String(content, "role", $"{path}.role") ?? "user";
        var role = roleName switch
        {
            "user" or "" or "function" or "tool" => Role.User,
            "model" => Role.Assistant,
            "system" => Role.System,
            _ => throw RequestJson.Error("invalid_value", $"{path}.role", $"'{path}.role' is '{roleName}': use user or model."),
        };
        // A chat keeps the chunks of a streamed answer as so many contents, which are one turn.
        var continues = role == Role.Assistant && messages is [.., { Role: Role.Assistant }];
        if (!continues)
        {
            _turn.End();
            _turn = new();
        }

        ReadParts(content, path, continues);
        if (continues) return;
        if (role == Role.User && _turn.Parts.Count > 0 && _turn.Parts.All(p => p is ToolResultPart)) role = Role.Tool;
        messages.Add(new Message(role, _turn.Parts));
    }

    private void ReadParts(JsonElement content, string path, bool continues)
    {
        foreach (var (part, at) in GeminiJson.Objects(content, "parts", $"{path}.parts"))
        {
            ReadPart(part, at, continues);
            continues = false;
        }
    }

    private void ReadPart(JsonElement part, string path, bool continues)
    {
        var signature = GeminiJson.String(part, "thoughtSignature", $"{path}.thoughtSignature");
        if (GeminiJson.Boolean(part, "thought", $"{path}.thought"))
        {
            _turn.AddThought(new ReasoningPart(GeminiJson.String(part, "text", $"{path}.text") ?? "")
            {
                Signature = signature,
                IsRedacted = signature is not null && !GeminiJson.TryGet(part, "text", out _),
                Path = path,
            });
            return;
        }

        if (GeminiJson.String(part, "text", $"{path}.text") is { } text)
        {
            _turn.AddText(new TextPart(text) { Path = path }, signature, continues);
        }
        else if (GeminiJson.TryGetObject(part, "functionCall", $"{path}.functionCall", out var call))
        {
            _turn.Add(ReadCall(call, $"{path}.functionCall") with { Signature = signature });
        }
        else if (GeminiJson.TryGetObject(part, "functionResponse", $"{path}.functionResponse", out var response))
        {
            _turn.Add(ReadResponse(response, $"{path}.functionResponse"));
        }
        else if (GeminiJson.TryGetObject(part, "inlineData", $"{path}.inlineData", out var blob))
        {
            _turn.Add(ReadBlob(blob, $"{path}.inlineData"));
        }
        else if (GeminiJson.TryGetObject(part, "fileData", $"{path}.fileData", out var file))
        {
            _turn.Add(ReadFile(file, $"{path}.fileData"));
        }
        else
        {
            var name = GeminiJson.Members(part).Select(m => m.Name).FirstOrDefault(n => n is not "thoughtSignature") ?? "";
            if (name.Length == 0) return;
            ownFields.Add(new OwnField($"{path} ({name})", ChangesAnswer: true));
            _turn.Add(new OtherPart { Path = path });
        }

        if (GeminiJson.TryGet(part, "videoMetadata", out _)) ownFields.Add(new OwnField($"{path}.videoMetadata", ChangesAnswer: true));
    }

    private ToolCallPart ReadCall(JsonElement call, string path)
    {
        var name = GeminiJson.String(call, "name", $"{path}.name");
        if (string.IsNullOrEmpty(name)) throw RequestJson.Error("missing_required_parameter", $"{path}.name", $"'{path}.name' is missing: name the function.");
        var id = GeminiJson.String(call, "id", $"{path}.id");
        var arguments = GeminiJson.TryGetObject(call, "args", $"{path}.args", out var args) ? Encoding.UTF8.GetString(JsonMarshal.GetRawUtf8Value(args)) : "{}";
        return new ToolCallPart(_ids.OfCall(id, name), name, arguments) { Path = path };
    }

    private ToolResultPart ReadResponse(JsonElement response, string path)
    {
        var name = GeminiJson.String(response, "name", $"{path}.name");
        var id = GeminiJson.String(response, "id", $"{path}.id");
        var (text, isError) = ReadResult(response, path);
        var content = new List<Part> { new TextPart(text) { Path = $"{path}.response" } };
        foreach (var (part, at) in GeminiJson.Objects(response, "parts", $"{path}.parts"))
        {
            if (GeminiJson.TryGetObject(part, "inlineData", $"{at}.inlineData", out var blob)) content.Add(ReadBlob(blob, $"{at}.inlineData"));
            else if (GeminiJson.TryGetObject(part, "fileData", $"{at}.fileData", out var file)) content.Add(ReadFile(file, $"{at}.fileData"));
        }

        return new ToolResultPart(_ids.OfResult(id, name), content) { Name = name, IsError = isError, Path = path };
    }

    // The object is wrapped text for many clients: {"output": "…"}, {"result": "…"}, {"error": "…"}
    private static (string Text, bool IsError) ReadResult(JsonElement response, string path)
    {
        if (!GeminiJson.TryGetObject(response, "response", $"{path}.response", out var result)) return ("", false);
        var members = result.EnumerateObject().ToList();
        if (members is [var only] && only.Name is "output" or "result" or "error")
        {
            var value = members[0].Value;
            return (value.ValueKind == JsonValueKind.String ? RequestJson.Text(value) : value.GetRawText(), members[0].Name == "error");
        }

        // The AI SDK's: {"name": "…", "content": "…"}
        if (members is [{ Name: "name" }, { Name: "content", Value.ValueKind: JsonValueKind.String } content]) return (RequestJson.Text(content.Value), false);
        return (result.GetRawText(), false);
    }

    private static MediaPart ReadBlob(JsonElement blob, string path)
    {
        var type = GeminiJson.String(blob, "mimeType", $"{path}.mimeType");
        if (!GeminiJson.TryGet(blob, "data", out var data) || data.ValueKind != JsonValueKind.String)
            throw RequestJson.Error("missing_required_parameter", $"{path}.data", $"'{path}.data' is missing: send the bytes in base64.");
        return new MediaPart(KindOf(type))
        {
            Data = DataUrl.Base64(JsonMarshal.GetRawUtf8Value(data)[1..^1]),
            MediaType = type,
            FileName = GeminiJson.String(blob, "displayName", $"{path}.displayName"),
            Path = path,
        };
    }

    private static MediaPart ReadFile(JsonElement file, string path)
    {
        var type = GeminiJson.String(file, "mimeType", $"{path}.mimeType");
        var uri = GeminiJson.String(file, "fileUri", $"{path}.fileUri");
        if (string.IsNullOrEmpty(uri)) throw RequestJson.Error("missing_required_parameter", $"{path}.fileUri", $"'{path}.fileUri' is missing: send the file's address.");
        // What was uploaded to Google, or lies in its storage, opens for nobody else.
        var isGoogles = uri.StartsWith("gs://", StringComparison.Ordinal) || uri.StartsWith("files/", StringComparison.Ordinal)
            || uri.StartsWith("https://generativelanguage.googleapis.com/", StringComparison.OrdinalIgnoreCase);
        return new MediaPart(KindOf(type)) { Url = isGoogles ? null : uri, FileId = isGoogles ? uri : null, MediaType = type, Path = path };
    }

    private static MediaKind KindOf(string? type) => type switch
    {
        not null when type.StartsWith("image/", StringComparison.OrdinalIgnoreCase) => MediaKind.Image,
        not null when type.StartsWith("audio/", StringComparison.OrdinalIgnoreCase) => MediaKind.Audio,
        _ => MediaKind.File,
    };
}
