using System.Text.Json;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>A Chat Completions body with tools and messages of ours in it.</summary>
internal static class ChatCompletionsOwnBody
{
    public static ReadOnlyMemory<byte> Of(GenerationRequest request, DroppedFields dropped)
    {
        if (!request.IsAltered) return request.Body;
        var (hasTools, forced) = (false, OwnBody.IsForced(request));
        return OwnBody.Write(request, Write, End);

        bool Write(JsonProperty member, Utf8JsonWriter json)
        {
            if (member.NameEquals("messages"u8) && member.Value.ValueKind == JsonValueKind.Array)
            {
                WriteMessages(json, () => OwnBody.WriteItems(member.Value, "messages", request, json, new ChatCompletionsMessagesWriter(json, dropped).Write));
                return true;
            }

            if (member.NameEquals("prompt"u8) && member.Value.ValueKind == JsonValueKind.String)
            {
                WriteMessages(json, () => WritePrompt(member.Value, json));
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

        void WriteMessages(Utf8JsonWriter json, Action own)
        {
            json.WriteStartArray("messages"u8);
            own();
            new ChatCompletionsMessagesWriter(json, dropped).Write(request.Added);
            json.WriteEndArray();
        }

        void WriteTools(JsonElement own, Utf8JsonWriter json)
        {
            var left = own.ValueKind == JsonValueKind.Array ? own.GetArrayLength() - request.ToolServers.Count : 0;
            if (left + request.Offered.Count == 0) return; // an empty list is refused
            json.WriteStartArray("tools"u8);
            OwnBody.WriteItems(own, "tools", request, json);
            foreach (var tool in request.Offered) ChatCompletionsTranslation.WriteTool(tool, json);
            json.WriteEndArray();
        }
    }

    private static void WritePrompt(JsonElement prompt, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("role"u8, "user"u8);
        json.WritePropertyName("content"u8);
        OwnBody.Raw(prompt, json);
        json.WriteEndObject();
    }
}
