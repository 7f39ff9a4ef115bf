using System.Text.Json;

namespace Penstock.Protocols.Gemini;

/// <summary>Reads <c>tools</c>: functions of the client's own, and the provider's tools beside them.</summary>
internal sealed class GeminiTools(List<OwnField> ownFields)
{
    /// <summary>The servers of ours that were named among them, once they are read.</summary>
    public List<ToolServer> Servers { get; } = [];

    public List<Tool> Read(JsonElement root)
    {
        var tools = new List<Tool>();
        foreach (var (tool, path) in GeminiJson.Objects(root, "tools", "tools"))
        {
            foreach (var (function, at) in GeminiJson.Objects(tool, "functionDeclarations", $"{path}.functionDeclarations")) tools.Add(ReadFunction(function, at));
            foreach (var (name, _) in GeminiJson.Members(tool))
            {
                if (name != "functionDeclarations" && !TakeServers(tool, name, path)) ownFields.Add(new OwnField($"{path} ({name})", ChangesAnswer: true));
            }
        }

        return tools;
    }

    // One that is only named is one of ours; one with a transport is the provider's to fetch.
    private bool TakeServers(JsonElement tool, string member, string path)
    {
        if (member != "mcpServers") return false;
        var servers = new List<ToolServer>();
        foreach (var (server, at) in GeminiJson.Objects(tool, member, $"{path}.mcpServers"))
        {
            if (GeminiJson.TryGet(server, "streamableHttpTransport", out _)) return false;
            var label = GeminiJson.String(server, "name", $"{at}.name");
            if (string.IsNullOrEmpty(label)) throw RequestJson.Error("missing_required_parameter", $"{at}.name", $"'{at}.name' is missing: name the server.");
            servers.Add(new ToolServer(label, Tools: null, $"{path}.mcpServers"));
        }

        Servers.AddRange(servers);
        return true;
    }

    private Tool ReadFunction(JsonElement function, string path)
    {
        var name = GeminiJson.String(function, "name", $"{path}.name");
        if (string.IsNullOrEmpty(name)) throw RequestJson.Error("missing_required_parameter", $"{path}.name", $"'{path}.name' is missing: name the function.");
        foreach (var (member, _) in GeminiJson.Members(function))
        {
            if (member is not ("name" or "description" or "parameters" or "parametersJsonSchema")) ownFields.Add(new OwnField($"{path}.{member}", ChangesAnswer: false));
        }

        return new Tool(name, GeminiJson.String(function, "description", $"{path}.description"), GeminiSchema.Read(function, "parametersJsonSchema", "parameters", path));
    }
}
