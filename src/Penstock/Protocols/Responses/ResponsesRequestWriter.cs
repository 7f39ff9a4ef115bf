using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>Writes the body that asks a Responses provider.</summary>
internal static class ResponsesRequestWriter
{
    public static void Write(GenerationRequest request, string model, bool stream, IBufferWriter<byte> output, DroppedFields dropped)
    {
        output.Write("{\"model\":"u8);
        JsonText.WriteString(model, output);
        output.Write(stream ? ",\"stream\":true"u8 : ",\"stream\":false"u8);
        if (request.Protocol == ResponsesProtocol.ProtocolName) CopyMembers(ResponsesOwnBody.Of(request, dropped), stream, output);
        else ResponsesTranslation.Write(request, model, output, dropped);
        output.Write("}"u8);
    }

    /// <summary>
    /// Copies the client's members byte for byte, whether we understand them or not, but for those that are ours to say, or to
    /// do: the background, and the conversation or the response to go on from, which is in <c>input</c> by now.
    /// </summary>
    private static void CopyMembers(ReadOnlyMemory<byte> json, bool stream, IBufferWriter<byte> output)
    {
        var body = json.Span;
        var goesOn = ResponsesConversation.GoesOn(json) || ResponsesApprovals.AreIn(json);
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = 256 });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var ours = reader.ValueTextEquals("model"u8) || reader.ValueTextEquals("stream"u8) || reader.ValueTextEquals("background"u8)
                || reader.ValueTextEquals("previous_response_id"u8) || reader.ValueTextEquals("conversation"u8) || (!stream && reader.ValueTextEquals("stream_options"u8));
            var isInput = goesOn && reader.ValueTextEquals("input"u8);
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            if (ours) continue;
            output.Write(","u8);
            if (isInput) ResponsesConversation.WriteInput(json, output);
            else output.Write(body[start..(int)reader.BytesConsumed]);
        }
    }
}
