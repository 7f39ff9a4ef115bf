using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.Gemini;

/// <summary>Writes the body that asks a Gemini provider. The model and whether to stream are said by the address.</summary>
internal static class GeminiRequestWriter
{
    public static void Write(GenerationRequest request, string model, IBufferWriter<byte> output, DroppedFields dropped)
    {
        if (request.Protocol == GeminiProtocol.ProtocolName) CopyMembers(GeminiOwnBody.Of(request, model, dropped).Span, output, prefix: request.Prefix);
        else GeminiTranslation.Write(request, model, output, dropped);
    }

    /// <summary>Writes the body of <c>countTokens</c>: contents, or a whole request that names the model once more.</summary>
    public static void WriteCounting(GenerationRequest request, string model, IBufferWriter<byte> output) =>
        CopyMembers(request.Body.Span, output, inside: $"models/{model}");

    /// <summary>The same of a request for an answer, which goes in whole.</summary>
    public static void WriteCountOfRequest(GenerationRequest request, string model, IBufferWriter<byte> output)
    {
        output.Write("{\"generateContentRequest\":"u8);
        CopyMembers(request.Body.Span, output, $"models/{model}");
        output.Write("}"u8);
    }

    /// <summary>Copies the client's members byte for byte, whether we understand them or not, but for the model.</summary>
    /// <param name="body">A JSON object.</param>
    /// <param name="output">Takes the JSON.</param>
    /// <param name="model">The model to name, or null for none.</param>
    /// <param name="prefix">What the model said so far and is to go on with, or null.</param>
    /// <param name="inside">The model to name in a <c>generateContentRequest</c>, or null where there is no such member.</param>
    private static void CopyMembers(ReadOnlySpan<byte> body, IBufferWriter<byte> output, string? model = null, string? inside = null, string? prefix = null)
    {
        output.Write("{"u8);
        var first = true;
        if (model is not null)
        {
            output.Write("\"model\":"u8);
            JsonText.WriteString(model, output);
            first = false;
        }

        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = 256 });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var start = (int)reader.TokenStartIndex;
            var ours = reader.ValueTextEquals("model"u8);
            var contents = reader.ValueTextEquals("contents"u8);
            var whole = inside is not null && (reader.ValueTextEquals("generateContentRequest"u8) || reader.ValueTextEquals("generate_content_request"u8));
            var value = JsonValue.Read(ref reader, body);
            if (ours) continue;
            if (!first) output.Write(","u8);
            first = false;
            if (contents && prefix is not null)
            {
                PrefixWriter.Write(body[start..(int)reader.BytesConsumed], "{\"role\":\"model\",\"parts\":[{\"text\":"u8, prefix, "}]}"u8, output);
                continue;
            }

            if (!whole || !JsonValue.IsObject(value))
            {
                output.Write(body[start..(int)reader.BytesConsumed]);
                continue;
            }

            output.Write("\"generateContentRequest\":"u8);
            CopyMembers(value, output, inside);
        }

        output.Write("}"u8);
    }
}
