using System.Text.Json;

namespace Penstock.Protocols.Messages;

/// <summary>
/// Calls of the server's tools in a conversation that goes on (<c>mcp_tool_use</c>, <c>mcp_tool_result</c>): to a model they are calls like
/// any other, whose results the user's side gives.
/// </summary>
internal static class MessagesServerCalls
{
    /// <summary>The turns that an assistant's message stands for: what it said up to a result, the results, and what it said then.</summary>
    public static IEnumerable<Message> Split(Message message)
    {
        if (message.Role != Role.Assistant || !message.Parts.Any(p => p is ToolResultPart)) return [message];
        var turns = new List<Message>();
        foreach (var part in message.Parts)
        {
            var role = part is ToolResultPart ? Role.Tool : Role.Assistant;
            if (turns is [.., { Parts: List<Part> parts } last] && last.Role == role) parts.Add(part);
            else turns.Add(new Message(role, new List<Part> { part }));
        }

        return turns;
    }

    /// <summary>Writes a message as the provider takes it.</summary>
    public static void Write(JsonElement message, Utf8JsonWriter json)
    {
        var blocks = JsonParts.Objects(message, "content").ToList();
        if (!blocks.Exists(IsServers))
        {
            OwnBody.Raw(message, json);
            return;
        }

        string? open = null;
        foreach (var block in blocks)
        {
            var role = JsonParts.String(block, "type"u8) == "mcp_tool_result" ? "user" : "assistant";
            if (open != role)
            {
                if (open is not null) End(json);
                open = role;
                json.WriteStartObject();
                json.WriteString("role"u8, role);
                json.WriteStartArray("content"u8);
            }

            WriteBlock(block, json);
        }

        End(json);
    }

    private static bool IsServers(JsonElement block) => JsonParts.String(block, "type"u8) is "mcp_tool_use" or "mcp_tool_result";

    private static void WriteBlock(JsonElement block, Utf8JsonWriter json)
    {
        if (!IsServers(block))
        {
            OwnBody.Raw(block, json);
            return;
        }

        json.WriteStartObject();
        foreach (var member in block.EnumerateObject())
        {
            if (member.NameEquals("server_name"u8)) continue;
            json.WritePropertyName(RequestJson.Name(member));
            if (member.NameEquals("type"u8)) json.WriteStringValue(member.Value.ValueEquals("mcp_tool_use"u8) ? "tool_use"u8 : "tool_result"u8);
            else OwnBody.Raw(member.Value, json);
        }

        json.WriteEndObject();
    }

    private static void End(Utf8JsonWriter json)
    {
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
