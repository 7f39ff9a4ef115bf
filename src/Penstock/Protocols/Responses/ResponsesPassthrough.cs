using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>
/// Puts our names into a provider's response object: its id, the response it goes on from or the conversation that it is a turn of,
/// and whether it runs in the background, all of which are this server's. Every other byte is the provider's.
/// </summary>
internal sealed class ResponsesPassthrough(GenerationRequest request, string responseId)
{
    private readonly byte[] _id = [(byte)'"', .. System.Text.Encoding.ASCII.GetBytes(responseId), (byte)'"'];
    private readonly byte[] _previousId = ResponsesEcho.PreviousId(request.Echo);
    private readonly byte[] _conversation = ResponsesEcho.Conversation(request.Echo);
    private readonly bool _isBackground = ResponsesEcho.IsBackground(request.Echo);

    /// <summary>The payload with our names in the response that it holds, or is.</summary>
    /// <param name="json">The payload.</param>
    /// <param name="response">The response object, a slice of the payload.</param>
    public byte[] Rename(ReadOnlySpan<byte> json, ReadOnlySpan<byte> response)
    {
        var output = new ArrayBufferWriter<byte>(json.Length + 128);
        json.Overlaps(response, out var start);
        output.Write(json[..start]);
        var copied = 0;
        var saysConversation = _conversation.Length == 0;
        var reader = new Utf8JsonReader(response, new JsonReaderOptions { MaxDepth = 256 });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var ours = reader.ValueTextEquals("id"u8) ? _id
                : reader.ValueTextEquals("previous_response_id"u8) ? _previousId
                : reader.ValueTextEquals("conversation"u8) ? _conversation
                : reader.ValueTextEquals("background"u8) && _isBackground ? "true"u8
                : default;
            var length = JsonValue.Read(ref reader, response).Length;
            if (ours.IsEmpty) continue;
            saysConversation |= ours == _conversation;
            var end = (int)reader.BytesConsumed;
            output.Write(response[copied..(end - length)]);
            output.Write(ours);
            copied = end;
        }

        if (!saysConversation)
        {
            // A provider that was asked without one need not say that there is none.
            var end = response.LastIndexOf((byte)'}');
            output.Write(response[copied..end]);
            output.Write(",\"conversation\":"u8);
            output.Write(_conversation);
            copied = end;
        }

        output.Write(response[copied..]);
        output.Write(json[(start + response.Length)..]);
        return output.WrittenSpan.ToArray();
    }
}
