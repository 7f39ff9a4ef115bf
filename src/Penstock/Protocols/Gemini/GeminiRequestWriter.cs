using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.Gemini;

/// <summary>Writes the body that asks a Gemini provider. The model and whether to stream are said by the address.</summary>
internal static class GeminiRequestWriter
{
    public static void Write(GenerationRequest request, string model, IBufferWriter<byte> output, DroppedFields dropped)
    {
        if (request.Protocol == GeminiProtocol.ProtocolName) CopyMembers(request.Body.Span, output);
        else GeminiTranslation.Write(request, model, output, dropped);
    }

    /// <summary>Copies the client's members byte for byte, whether we understand them or not.</summary>
    private static void CopyMembers(ReadOnlySpan<byte> body, IBufferWriter<byte> output)
    {
        var separator = "{"u8;
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = 256 });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var start = (int)reader.TokenStartIndex;
            var ours = reader.ValueTextEquals("model"u8);
            reader.Skip();
            if (ours) continue;
            output.Write(separator);
            output.Write(body[start..(int)reader.BytesConsumed]);
            separator = ","u8;
        }

        output.Write("}"u8);
    }
}
