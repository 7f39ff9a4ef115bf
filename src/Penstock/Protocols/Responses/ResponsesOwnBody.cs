using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>A Responses body with tools and items of ours in it.</summary>
internal static class ResponsesOwnBody
{
    public static ReadOnlyMemory<byte> Of(GenerationRequest request, DroppedFields dropped)
    {
        if (!request.IsAltered) return request.Body;
        return OwnBody.Write(request, Write, (own, json) => OwnBody.WriteTools(own, request, json, ResponsesTranslation.WriteTool, mayBeEmpty: true), "tool_choice");

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

            return false;
        }
    }
}
