using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>Writes the body that asks a Chat Completions provider.</summary>
internal static class ChatCompletionsRequestWriter
{
    public static void Write(GenerationRequest request, string model, bool stream, string maxTokensName, IBufferWriter<byte> output, DroppedFields dropped)
    {
        output.Write("{\"model\":"u8);
        JsonText.WriteString(model, output);
        ReadOnlySpan<byte> streamOptions = default;
        if (request.Protocol is ChatCompletionsProtocol.ProtocolName or Native.NativeProtocol.ProtocolName) CopyMembers(request, dropped, output, out streamOptions);
        else ChatCompletionsTranslation.Write(request, maxTokensName, output, dropped);
        WriteStream(stream, streamOptions, output);
        output.Write("}"u8);
    }

    /// <summary>Copies the client's members byte for byte, whether we understand them or not, but for those that are ours to say.</summary>
    private static void CopyMembers(GenerationRequest request, DroppedFields dropped, IBufferWriter<byte> output, out ReadOnlySpan<byte> streamOptions)
    {
        var body = ChatCompletionsOwnBody.Of(request, dropped).Span;
        var native = request.Protocol == Native.NativeProtocol.ProtocolName;
        streamOptions = default;
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = 256 });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("model"u8) || reader.ValueTextEquals("stream"u8)) reader.Skip();
            else if (native && (reader.ValueTextEquals("background"u8) || reader.ValueTextEquals("onDisconnect"u8))) reader.Skip();
            else if (reader.ValueTextEquals("stream_options"u8)) streamOptions = JsonValue.Read(ref reader, body);
            else if (reader.ValueTextEquals("prompt"u8)) WritePrompt(JsonValue.Read(ref reader, body), request.Prefix, output);
            else
            {
                var messages = reader.ValueTextEquals("messages"u8);
                var start = (int)reader.TokenStartIndex;
                reader.Read();
                if (messages && reader.TokenType == JsonTokenType.Null) continue; // beside a prompt
                reader.Skip();
                var value = body[start..(int)reader.BytesConsumed];
                output.Write(","u8);
                if (messages && request.Prefix is { } prefix) PrefixWriter.Write(value, "{\"role\":\"assistant\",\"content\":"u8, prefix, "}"u8, output);
                else output.Write(value);
            }
        }
    }

    private static void WritePrompt(ReadOnlySpan<byte> prompt, string? prefix, IBufferWriter<byte> output)
    {
        if (!JsonValue.IsString(prompt)) return; // null beside messages
        output.Write(",\"messages\":[{\"role\":\"user\",\"content\":"u8);
        output.Write(prompt);
        output.Write("}"u8);
        if (prefix is not null)
        {
            output.Write(",{\"role\":\"assistant\",\"content\":"u8);
            JsonText.WriteString(prefix, output);
            output.Write("}"u8);
        }

        output.Write("]"u8);
    }

    /// <summary>Usage is asked for always: whether the client sees it is for the event writer.</summary>
    private static void WriteStream(bool stream, ReadOnlySpan<byte> clientOptions, IBufferWriter<byte> output)
    {
        if (!stream)
        {
            output.Write(",\"stream\":false"u8);
            return;
        }

        output.Write(",\"stream\":true,\"stream_options\":{\"include_usage\":true"u8);
        if (JsonValue.IsObject(clientOptions))
        {
            var reader = new Utf8JsonReader(clientOptions, new JsonReaderOptions { MaxDepth = 256 });
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var start = (int)reader.TokenStartIndex;
                var ours = reader.ValueTextEquals("include_usage"u8);
                reader.Skip();
                if (ours) continue;
                output.Write(","u8);
                output.Write(clientOptions[start..(int)reader.BytesConsumed]);
            }
        }

        output.Write("}"u8);
    }
}
