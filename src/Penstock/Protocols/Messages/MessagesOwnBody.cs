using System.Text.Json;

namespace Penstock.Protocols.Messages;

/// <summary>A Messages body with tools and turns of ours in it.</summary>
internal static class MessagesOwnBody
{
    public static ReadOnlyMemory<byte> Of(GenerationRequest request, DroppedFields dropped)
    {
        if (!request.IsAltered) return request.Body;
        var (hasTools, forced) = (false, OwnBody.IsForced(request));
        return OwnBody.Write(request, Write, End);

        bool Write(JsonProperty member, Utf8JsonWriter json)
        {
            if (member.NameEquals("messages"u8))
            {
                json.WriteStartArray("messages"u8);
                var place = 0;
                foreach (var message in member.Value.EnumerateArray())
                {
                    if (request.Trimmed?.LeavesOut("messages", place++) is true) new MessagesContentWriter(json, dropped).WriteTurns(request.Trimmed.InPlaceOf(place - 1));
                    else if (request.HoldsServerCalls) MessagesServerCalls.Write(message, json);
                    else OwnBody.Raw(message, json);
                }

                new MessagesContentWriter(json, dropped).WriteTurns(request.Added);
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
            var left = own.ValueKind == JsonValueKind.Array ? own.GetArrayLength() - request.ToolServers.Count : 0;
            if (left + request.Offered.Count == 0) return;
            json.WriteStartArray("tools"u8);
            OwnBody.WriteItems(own, "tools", request, json);
            foreach (var tool in request.Offered) MessagesTranslation.WriteTool(tool, json);
            json.WriteEndArray();
        }
    }
}
