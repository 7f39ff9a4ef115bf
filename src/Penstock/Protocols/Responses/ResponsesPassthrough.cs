using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>
/// Puts our names into a provider's response object: its id, the response it goes on from, and whether it runs in the background,
/// all three of which are this server's. Every other byte is the provider's.
/// </summary>
internal sealed class ResponsesPassthrough(GenerationRequest request, string responseId)
{
    private readonly byte[] _id = [(byte)'"', .. System.Text.Encoding.ASCII.GetBytes(responseId), (byte)'"'];
    private readonly byte[] _previousId = ResponsesEcho.PreviousId(request.Echo);
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
        var reader = new Utf8JsonReader(response, new JsonReaderOptions { MaxDepth = 256 });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var ours = reader.ValueTextEquals("id"u8) ? _id
                : reader.ValueTextEquals("previous_response_id"u8) ? _previousId
                : reader.ValueTextEquals("background"u8) && _isBackground ? "true"u8
                : default;
            var length = JsonValue.Read(ref reader, response).Length;
            if (ours.IsEmpty) continue;
            var end = (int)reader.BytesConsumed;
            output.Write(response[copied..(end - length)]);
            output.Write(ours);
            copied = end;
        }

        output.Write(response[copied..]);
        output.Write(json[(start + response.Length)..]);
        return output.WrittenSpan.ToArray();
    }
}
