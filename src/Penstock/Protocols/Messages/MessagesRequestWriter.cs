using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.Messages;

/// <summary>Writes the body that asks a Messages provider.</summary>
internal static class MessagesRequestWriter
{
    private static readonly string[] _counted = ["messages", "system", "tools", "tool_choice", "thinking"];

    public static void Write(GenerationRequest request, string model, bool stream, IBufferWriter<byte> output, DroppedFields dropped)
    {
        output.Write("{\"model\":"u8);
        JsonText.WriteString(model, output);
        if (request.Protocol == MessagesProtocol.ProtocolName) CopyMembers(request, MessagesOwnBody.Of(request, dropped).Span, output);
        else MessagesTranslation.Write(request, model, output, dropped);
        output.Write(stream ? ",\"stream\":true}"u8 : ",\"stream\":false}"u8);
    }

    /// <summary>Writes the body that asks how many tokens a request of this protocol has.</summary>
    public static void WriteCounting(GenerationRequest request, string model, IBufferWriter<byte> output)
    {
        output.Write("{\"model\":"u8);
        JsonText.WriteString(model, output);
        CopyMembers(request, request.Body.Span, output);
        output.Write("}"u8);
    }

    /// <summary>The same of a request for an answer: who counts refuses what is not to be counted.</summary>
    public static void WriteCountOfRequest(GenerationRequest request, string model, IBufferWriter<byte> output)
    {
        using var document = JsonDocument.Parse(request.Body, new JsonDocumentOptions { MaxDepth = JsonValue.MaxDepth });
        using var json = JsonOutput.New(output);
        json.WriteStartObject();
        json.Text("model"u8, model);
        foreach (var member in document.RootElement.EnumerateObject())
        {
            if (!_counted.Contains(member.Name, StringComparer.Ordinal)) continue;
            json.WritePropertyName(member.Name);
            OwnBody.Raw(member.Value, json);
        }

        json.WriteEndObject();
    }

    /// <summary>Copies the client's members byte for byte, whether we understand them or not, but for those that are ours to say.</summary>
    private static void CopyMembers(GenerationRequest request, ReadOnlySpan<byte> body, IBufferWriter<byte> output)
    {
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = 256 });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var start = (int)reader.TokenStartIndex;
            var ours = reader.ValueTextEquals("model"u8) || reader.ValueTextEquals("stream"u8);
            var messages = reader.ValueTextEquals("messages"u8);
            reader.Skip();
            if (ours) continue;
            output.Write(","u8);
            var member = body[start..(int)reader.BytesConsumed];
            if (messages && request.Prefix is { } prefix) PrefixWriter.Write(member, "{\"role\":\"assistant\",\"content\":"u8, prefix, "}"u8, output);
            else output.Write(member);
        }
    }
}
