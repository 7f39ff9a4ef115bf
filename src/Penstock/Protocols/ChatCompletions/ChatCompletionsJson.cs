using System.Buffers;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>The pieces that streamed and whole answers of our own making share.</summary>
internal static class ChatCompletionsJson
{
    /// <summary>Clients send a call's id back with its result, so a call that came without one is given one.</summary>
    public static string NewId(string chunkId, int block) => $"call_{chunkId}_{block}";

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

    /// <summary>A <c>finish_reason</c> as raw JSON.</summary>
    public static ReadOnlySpan<byte> FinishReason(FinishReason reason) => reason switch
    {
        Protocols.FinishReason.Length => "\"length\""u8,
        Protocols.FinishReason.ToolCalls => "\"tool_calls\""u8,
        Protocols.FinishReason.ContentFilter => "\"content_filter\""u8,
        _ => "\"stop\""u8,
    };
}
