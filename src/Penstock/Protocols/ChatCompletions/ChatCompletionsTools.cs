using System.Runtime.InteropServices;
using System.Text.Json;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>Reads <c>tools</c>, and <c>functions</c>, which they were before.</summary>
internal sealed class ChatCompletionsTools(List<OwnField> ownFields)
{
    /// <summary>The servers of ours that were named among them, once they are read.</summary>
    public List<ToolServer> Servers { get; } = [];

    public List<Tool> Read(JsonElement root)
    {
        var tools = new List<Tool>();
        foreach (var (tool, path) in RequestJson.Objects(root, "tools"))
        {
            if (RequestJson.String(tool, "type", $"{path}.type") is { } type and not "function")
            {
                if (type == "mcp" && ToolServers.Read(tool, path) is { } server) Servers.Add(server);
                else ownFields.Add(new OwnField($"{path} ({type})", ChangesAnswer: true));
                continue;
            }

            if (!RequestJson.TryGet(tool, "function", out var function))
                throw RequestJson.Error("missing_required_parameter", $"{path}.function", $"'{path}.function' is missing: describe the function, with its name.");
            var mark = RequestJson.TryGet(tool, "cache_control", out var cache) ? JsonMarshal.GetRawUtf8Value(cache).ToArray() : [];
            tools.Add(ReadFunction(function, $"{path}.function") with { CacheControl = mark });
        }

        foreach (var (function, path) in RequestJson.Objects(root, "functions")) tools.Add(ReadFunction(function, path));
        return tools;
    }

    private static Tool ReadFunction(JsonElement function, string path)
    {
        if (function.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType(path, "an object", function);
        var name = RequestJson.String(function, "name", $"{path}.name");
        if (string.IsNullOrEmpty(name)) throw RequestJson.Error("missing_required_parameter", $"{path}.name", $"'{path}.name' is missing: name the function.");
        return new Tool(name, RequestJson.String(function, "description", $"{path}.description"), RequestJson.Schema(function, "parameters", $"{path}.parameters"))
        {
            Strict = RequestJson.Boolean(function, "strict", $"{path}.strict"),
        };
    }
}
