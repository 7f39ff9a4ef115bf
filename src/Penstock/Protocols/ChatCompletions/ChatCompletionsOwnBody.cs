using System.Text.Json;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>A Chat Completions body with tools and messages of ours in it.</summary>
internal static class ChatCompletionsOwnBody
{
    public static ReadOnlyMemory<byte> Of(GenerationRequest request, DroppedFields dropped)
    {
        if (!request.IsAltered) return request.Body;
        return OwnBody.Write(request, Write, (own, json) => OwnBody.WriteTools(own, request, json, ChatCompletionsTranslation.WriteTool), "tool_choice");

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

            return false;
        }

        void WriteMessages(Utf8JsonWriter json, Action own)
        {
            json.WriteStartArray("messages"u8);
            own();
            new ChatCompletionsMessagesWriter(json, dropped).Write(request.Added);
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
