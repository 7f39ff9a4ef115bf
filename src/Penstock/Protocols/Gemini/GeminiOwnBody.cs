using System.Text.Json;

namespace Penstock.Protocols.Gemini;

/// <summary>A Gemini body with tools and contents of ours in it.</summary>
internal static class GeminiOwnBody
{
    public static ReadOnlyMemory<byte> Of(GenerationRequest request, string model, DroppedFields dropped)
    {
        if (!request.IsAltered) return request.Body;
        return OwnBody.Write(request, Write, WriteTools, "toolConfig", "tool_config");

        bool Write(JsonProperty member, Utf8JsonWriter json)
        {
            if (member.NameEquals("contents"u8))
            {
                json.WriteStartArray("contents"u8);
                void WriteContents(IReadOnlyList<Message> messages) => new GeminiContentsWriter(json, dropped, GeminiModel.NeedsCallSignatures(model)).WriteContents(messages);
                OwnBody.WriteItems(member.Value, "contents", request, json, WriteContents);
                WriteContents(request.Added);
                json.WriteEndArray();
                return true;
            }

            return false;
        }

        void WriteTool(JsonElement tool, string path, Utf8JsonWriter json)
        {
            if (!OwnBody.IsOurs(request, $"{path}.mcpServers"))
            {
                OwnBody.Raw(tool, json);
                return;
            }

            var others = tool.EnumerateObject().Where(m => !m.NameEquals("mcpServers"u8) && !m.NameEquals("mcp_servers"u8)).ToList();
            if (others.Count == 0) return;
            json.WriteStartObject();
            foreach (var member in others)
            {
                json.WritePropertyName(RequestJson.Name(member));
                OwnBody.Raw(member.Value, json);
            }

            json.WriteEndObject();
        }

        void WriteTools(JsonElement own, Utf8JsonWriter json)
        {
            json.WriteStartArray("tools"u8);
            var index = 0;
            var list = own.ValueKind == JsonValueKind.Array ? own.EnumerateArray().ToList() : own.ValueKind == JsonValueKind.Object ? [own] : [];
            foreach (var tool in list) WriteTool(tool, own.ValueKind == JsonValueKind.Object ? "tools" : $"tools[{index++}]", json);
            if (request.Offered.Count > 0) GeminiTranslation.WriteFunctions(request.Offered, json);
            json.WriteEndArray();
        }
    }
}
