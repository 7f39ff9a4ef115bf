using System.Text.Json;

namespace Penstock.Protocols.Messages;

/// <summary>A Messages body with tools and turns of ours in it.</summary>
internal static class MessagesOwnBody
{
    public static ReadOnlyMemory<byte> Of(GenerationRequest request, DroppedFields dropped)
    {
        if (!request.IsAltered) return request.Body;
        return OwnBody.Write(request, Write, (own, json) => OwnBody.WriteTools(own, request, json, MessagesTranslation.WriteTool), "tool_choice");

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

            return false;
        }
    }
}
