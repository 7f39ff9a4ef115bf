using System.Text.Json;

namespace Penstock.Protocols.Messages;

/// <summary>
/// Reads <c>{"type": "mcp_toolset", "mcp_server_name": "…"}</c>: a toolset whose server the request does not describe itself
/// (<c>mcp_servers</c>) is one of ours.
/// </summary>
internal static class MessagesToolServers
{
    public static ToolServer? Read(JsonElement root, JsonElement tool, string path)
    {
        var label = RequestJson.String(tool, "mcp_server_name", $"{path}.mcp_server_name");
        if (string.IsNullOrEmpty(label)) throw RequestJson.Error("missing_required_parameter", $"{path}.mcp_server_name", $"'{path}.mcp_server_name' is missing: name the server.");
        foreach (var (server, at) in RequestJson.Objects(root, "mcp_servers"))
        {
            if (RequestJson.String(server, "name", $"{at}.name") == label) return null; // the provider's to fetch
        }

        return new ToolServer(label, ReadAllowed(tool), path);
    }

    // Which tools are on: by default all, or none but those that say so.
    private static List<string>? ReadAllowed(JsonElement tool)
    {
        if (!RequestJson.TryGet(tool, "default_config", out var all) || !IsOff(all)) return null;
        return RequestJson.TryGet(tool, "configs", out var configs) && configs.ValueKind == JsonValueKind.Object
            ? [.. configs.EnumerateObject().Where(c => !IsOff(c.Value)).Select(RequestJson.Name)]
            : [];
    }

    private static bool IsOff(JsonElement config) =>
        config.ValueKind == JsonValueKind.Object && config.TryGetProperty("enabled"u8, out var enabled) && enabled.ValueKind == JsonValueKind.False;
}
