using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>Reads <c>tools</c>.</summary>
internal sealed class ResponsesTools(List<OwnField> ownFields)
{
    public List<Tool> Read(JsonElement root)
    {
        var tools = new List<Tool>();
        foreach (var (tool, path) in RequestJson.Objects(root, "tools"))
        {
            var type = RequestJson.String(tool, "type", $"{path}.type")
                ?? throw RequestJson.Error("missing_required_parameter", $"{path}.type", $"'{path}.type' is missing: say what the tool is, such as \"function\".");
            if (type != "function")
            {
                ownFields.Add(new OwnField($"{path} ({type})", ChangesAnswer: true));
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
