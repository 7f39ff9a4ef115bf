using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>A Responses body with tools and items of ours in it.</summary>
internal static class ResponsesOwnBody
{
    public static ReadOnlyMemory<byte> Of(GenerationRequest request, DroppedFields dropped)
    {
        if (!request.IsAltered) return request.Body;
        var (hasTools, forced) = (false, OwnBody.IsForced(request));
        return OwnBody.Write(request, Write, End);

        bool Write(JsonProperty member, Utf8JsonWriter json)
        {
            if (member.NameEquals("input"u8) && (request.Added.Count > 0 || request.Trimmed is not null))
            {
                json.WriteStartArray("input"u8);
                if (member.Value.ValueKind == JsonValueKind.Array) OwnBody.WriteItems(member.Value, "input", request, json, new ResponsesInputWriter(json, dropped).Write);
                else ResponsesConversation.WriteInputItems(member.Value, json);
                new ResponsesInputWriter(json, dropped).Write(request.Added);
                json.WriteEndArray();
                return true;
            }

            if (!member.NameEquals("tools"u8)) return forced && member.NameEquals("tool_choice"u8);
            hasTools = true;
            WriteTools(member.Value, json);
            return true;
        }

        void End(Utf8JsonWriter json)
        {
            if (!hasTools) WriteTools(default, json);
        }

        void WriteTools(JsonElement own, Utf8JsonWriter json)
        {
            json.WriteStartArray("tools"u8);
            OwnBody.WriteItems(own, "tools", request, json);
            foreach (var tool in request.Offered) ResponsesTranslation.WriteTool(tool, json);
            json.WriteEndArray();
        }
    }
}
