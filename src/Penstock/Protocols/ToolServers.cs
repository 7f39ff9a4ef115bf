using System.Text.Json;

namespace Penstock.Protocols;

/// <summary>
/// Reads the tools of a request that name a server of ours: <c>{"type": "mcp", "server_label": "…"}</c> without an address. With
/// one, they are the provider's to fetch: nothing that a request names is ever fetched by us.
/// </summary>
internal static class ToolServers
{
    /// <summary>The server that a tool of the type <c>mcp</c> names; null where it is not one of ours.</summary>
    public static ToolServer? Read(JsonElement tool, string path)
    {
        if (RequestJson.TryGet(tool, "server_url", out _) || RequestJson.TryGet(tool, "connector_id", out _)) return null;
        var label = RequestJson.String(tool, "server_label", $"{path}.server_label");
        if (string.IsNullOrEmpty(label)) throw RequestJson.Error("missing_required_parameter", $"{path}.server_label", $"'{path}.server_label' is missing: name one of the server's MCP servers.");
        return new ToolServer(label, ReadAllowed(tool, $"{path}.allowed_tools"), path) { Approval = ReadApproval(tool, $"{path}.require_approval") };
    }

    // A list of names, or a filter with one in it.
    private static List<string>? ReadAllowed(JsonElement tool, string path)
    {
        if (!RequestJson.TryGet(tool, "allowed_tools", out var allowed)) return null;
        if (allowed.ValueKind == JsonValueKind.Object && !RequestJson.TryGet(allowed, "tool_names", out allowed)) return null;
        if (allowed.ValueKind != JsonValueKind.Array) throw RequestJson.WrongType(path, "a list of names", allowed);
        return ReadNames(allowed, path);
    }

    // "always", or a filter that says so of some. What the configuration has a person allow stays so, whatever the client would do without.
    private static IReadOnlyList<string> ReadApproval(JsonElement tool, string path)
    {
        if (!RequestJson.TryGet(tool, "require_approval", out var approval)) return [];
        if (approval.ValueKind == JsonValueKind.String)
        {
            return RequestJson.Text(approval) switch
            {
                "always" => ["*"],
                "never" => [],
                var other => throw RequestJson.Error("invalid_value", path, $"'{path}' is '{other}': use \"always\", \"never\", or {{\"always\": {{\"tool_names\": […]}}}}."),
            };
        }

        if (approval.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType(path, "a string or an object", approval);
        if (!RequestJson.TryGet(approval, "always", out var always) || !RequestJson.TryGet(always, "tool_names", out var names)) return [];
        if (names.ValueKind != JsonValueKind.Array) throw RequestJson.WrongType($"{path}.always.tool_names", "a list of names", names);
        return ReadNames(names, $"{path}.always.tool_names");
    }

    public static List<string> ReadNames(JsonElement list, string path)
    {
        var names = new List<string>();
        foreach (var name in list.EnumerateArray())
            names.Add(name.ValueKind == JsonValueKind.String ? RequestJson.Text(name) : throw RequestJson.WrongType($"{path}[{names.Count}]", "a string", name));
        return names;
    }
}
