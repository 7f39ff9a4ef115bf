using System.Text.Json;

namespace Penstock.Protocols.AgUi;

/// <summary>Reads a <c>RunAgentInput</c>. <c>forwardedProps</c> may name the <c>model</c>.</summary>
internal static class AgUiRequestReader
{
    public const string Example = """{"threadId": "t1", "runId": "r1", "messages": [{"id": "1", "role": "user", "content": "Hello"}], "tools": [], "context": []}""";

    private static readonly string[] _known = ["threadId", "runId", "parentRunId", "protocolVersion", "messages", "tools", "context", "forwardedProps", "state"];

    public static GenerationRequest Read(ReadOnlyMemory<byte> body)
    {
        using var document = RequestJson.Parse(body, Example);
        var root = document.RootElement;
        var ownFields = new List<OwnField>();
        var messages = new AgUiConversation(ownFields).Read(root);
        if (ReadContext(root) is { } context) messages.Insert(0, context);
        foreach (var member in root.EnumerateObject())
        {
            var name = RequestJson.Name(member);
            if (member.Value.ValueKind != JsonValueKind.Null && !_known.Contains(name, StringComparer.Ordinal)) ownFields.Add(new OwnField(name, ChangesAnswer: name == "resume"));
        }

        return new GenerationRequest
        {
            Protocol = AgUiProtocol.ProtocolName,
            Body = body,
            Model = RequestJson.TryGet(root, "forwardedProps", out var props) && props.ValueKind == JsonValueKind.Object ? RequestJson.Model(props) : null,
            Messages = messages,
            Tools = ReadTools(root),
            OwnFields = ownFields,
            Stream = true,
            Echo = new AgUiRun(Name(root, "threadId"), Name(root, "runId")).ToEcho(),
        };
    }

    private static string Name(JsonElement root, string name) => RequestJson.String(root, name, name) switch
    {
        null => throw RequestJson.Error("missing_required_parameter", name, $"'{name}' is missing: send a body such as {Example}."),
        { Length: > 512 } => throw RequestJson.Error("invalid_value", name, $"'{name}' is longer than 512 characters: shorten it."),
        var given => given,
    };

    private static List<Tool> ReadTools(JsonElement root)
    {
        var tools = new List<Tool>();
        foreach (var (tool, path) in RequestJson.Objects(root, "tools"))
        {
            var name = RequestJson.String(tool, "name", $"{path}.name");
            if (string.IsNullOrEmpty(name)) throw RequestJson.Error("missing_required_parameter", $"{path}.name", $"'{path}.name' is missing: name the tool.");
            tools.Add(new Tool(name, RequestJson.String(tool, "description", $"{path}.description"), RequestJson.Schema(tool, "parameters", $"{path}.parameters")));
        }

        return tools;
    }

    // What the page knows and the model should.
    private static Message? ReadContext(JsonElement root)
    {
        var lines = new List<string>();
        foreach (var (item, path) in RequestJson.Objects(root, "context"))
            lines.Add($"{RequestJson.String(item, "description", $"{path}.description")}: {RequestJson.String(item, "value", $"{path}.value")}");
        return lines.Count == 0 ? null : new Message(Role.System, [new TextPart($"Context:\n{string.Join('\n', lines)}") { Path = "context" }]);
    }
}
