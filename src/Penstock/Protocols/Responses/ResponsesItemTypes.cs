namespace Penstock.Protocols.Responses;

/// <summary>The items that only this protocol has: the work of a provider's own tools, and of the client's that are not functions.</summary>
internal static class ResponsesItemTypes
{
    /// <summary>A record of what the provider's own tools did: a history that lacks it reads on.</summary>
    private static readonly string[] _records =
        ["web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "mcp_call", "mcp_list_tools", "compaction"];

    private static readonly string[] _others =
    [
        "computer_call", "local_shell_call", "shell_call", "shell_call_output", "apply_patch_call", "apply_patch_call_output", "mcp_approval_request",
        "tool_search_call", "tool_search_output", "custom_tool_call",
    ];

    public static bool IsRecord(string? type) => _records.Contains(type, StringComparer.Ordinal);

    /// <summary>Whether a block of this name may stand in an output as it is.</summary>
    public static bool IsOutput(string? type) => IsRecord(type) || _others.Contains(type, StringComparer.Ordinal);
}
