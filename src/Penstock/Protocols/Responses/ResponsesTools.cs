using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>Reads <c>tools</c>.</summary>
internal sealed class ResponsesTools(List<OwnField> ownFields, bool isStored)
{
    /// <summary>The servers of ours that were named among them, once they are read.</summary>
    public List<ToolServer> Servers { get; } = [];

    public List<Tool> Read(JsonElement root)
    {
        var tools = new List<Tool>();
        foreach (var (tool, path) in RequestJson.Objects(root, "tools"))
        {
            var type = RequestJson.String(tool, "type", $"{path}.type")
                ?? throw RequestJson.Error("missing_required_parameter", $"{path}.type", $"'{path}.type' is missing: say what the tool is, such as \"function\".");
            if (type != "function")
            {
                if (type == "mcp" && ToolServers.Read(tool, path) is { } server) Servers.Add(server with { AsksClient = isStored });
                else ownFields.Add(new OwnField($"{path} ({type})", ChangesAnswer: true));
                continue;
            }

            var name = RequestJson.String(tool, "name", $"{path}.name");
            if (string.IsNullOrEmpty(name)) throw RequestJson.Error("missing_required_parameter", $"{path}.name", $"'{path}.name' is missing: name the function.");
            tools.Add(new Tool(name, RequestJson.String(tool, "description", $"{path}.description"), RequestJson.Schema(tool, "parameters", $"{path}.parameters"))
            {
                Strict = RequestJson.Boolean(tool, "strict", $"{path}.strict"),
            });
        }

        return tools;
    }
}
