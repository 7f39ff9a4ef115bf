using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>The pieces that streamed and whole answers of our own making share.</summary>
internal static class ChatCompletionsJson
{
    /// <summary>The delta that begins a tool call.</summary>
    public static void WriteStart(int index, string id, string? name, IBufferWriter<byte> output)
    {
        output.Write("{\"tool_calls\":[{\"index\":"u8);
        JsonText.WriteNumber(index, output);
        output.Write(","u8);
        WriteCall(id, name, output);
        output.Write("\"}}]}"u8);
    }

    /// <summary>A call up to its arguments.</summary>
    public static void WriteCall(string id, string? name, IBufferWriter<byte> output)
    {
        output.Write("\"id\":"u8);
        JsonText.WriteString(id, output);
        output.Write(",\"type\":\"function\",\"function\":{\"name\":"u8);
        JsonText.WriteString(name ?? "", output);
        output.Write(",\"arguments\":\""u8);
    }

    /// <summary>An image that the model made, up to its bytes.</summary>
    public static void WriteImageStart(string? mediaType, IBufferWriter<byte> output)
    {
        output.Write("{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:"u8);
        JsonText.Escape(mediaType ?? "image/png", output);
        output.Write(";base64,"u8);
    }

    /// <summary>The elements of <c>logprobs.content</c>, without the brackets; empty for none.</summary>
    public static ReadOnlySpan<byte> LogProbsContent(ReadOnlySpan<byte> logProbs)
    {
        if (!JsonValue.IsObject(logProbs)) return default;
        var reader = new Utf8JsonReader(logProbs, new JsonReaderOptions { MaxDepth = JsonValue.MaxDepth });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("content"u8)) return JsonValue.Read(ref reader, logProbs) is [(byte)'[', .. var inside, (byte)']'] ? inside.Trim(" \t\r\n"u8) : default;
            reader.Skip();
        }

        return default;
    }

    /// <summary>A <c>finish_reason</c> as raw JSON.</summary>
    public static ReadOnlySpan<byte> FinishReason(FinishReason reason) => reason switch
    {
        Protocols.FinishReason.Length => "\"length\""u8,
        Protocols.FinishReason.ToolCalls => "\"tool_calls\""u8,
        Protocols.FinishReason.ContentFilter => "\"content_filter\""u8,
        _ => "\"stop\""u8,
    };
}
