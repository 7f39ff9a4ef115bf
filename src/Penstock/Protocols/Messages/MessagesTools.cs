using System.Runtime.InteropServices;
using System.Text.Json;

namespace Penstock.Protocols.Messages;

/// <summary>Reads <c>tools</c>: the client's own, and by name those of the provider.</summary>
internal static class MessagesTools
{
    public static List<Tool> Read(JsonElement root, List<OwnField> ownFields, List<ToolServer> servers)
    {
        var tools = new List<Tool>();
        foreach (var (tool, path) in RequestJson.Objects(root, "tools"))
        {
            if (RequestJson.String(tool, "type", $"{path}.type") is { } type and not "custom")
            {
                if (type == "mcp_toolset" && MessagesToolServers.Read(root, tool, path) is { } server) servers.Add(server);
                else ownFields.Add(new OwnField($"{path} ({type})", ChangesAnswer: true));
                continue;
            }

            MessagesFields.TakeOwn(tool, path, ownFields, "type", "name", "description", "input_schema", "strict", "cache_control");
            var name = RequestJson.String(tool, "name", $"{path}.name");
            if (string.IsNullOrEmpty(name)) throw RequestJson.Error("missing_required_parameter", $"{path}.name", $"'{path}.name' is missing: name the tool.");
            tools.Add(new Tool(name, RequestJson.String(tool, "description", $"{path}.description"), RequestJson.Schema(tool, "input_schema", $"{path}.input_schema"))
            {
                Strict = RequestJson.Boolean(tool, "strict", $"{path}.strict"),
                CacheControl = RequestJson.TryGet(tool, "cache_control", out var mark) ? JsonMarshal.GetRawUtf8Value(mark).ToArray() : default,
            });
        }

        return tools;
    }
}
