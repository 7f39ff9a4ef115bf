using System.Buffers;

namespace Penstock.Protocols.Messages;

/// <summary>The pieces that streamed and whole answers of our own making share.</summary>
internal static class MessagesJson
{
    /// <summary>Begins a block; one that is deferred has all it holds.</summary>
    public static void WriteBlockStart(MessagesAnswerBlock block, ref MessagesFrames frames)
    {
        var content = new ArrayBufferWriter<byte>(256);
        WriteContentBlock(block, whole: block.IsDeferred, content);
        frames.Write("content_block_start"u8, block.Index, ",\"content_block\":"u8, content.WrittenSpan, "}"u8);
    }

    /// <summary>A tool call's signature as a block of its own.</summary>
    public static void WriteCallSignature(int index, MessagesAnswerBlock call, ref MessagesFrames frames)
    {
        var content = new ArrayBufferWriter<byte>(256);
        WriteCallSignature(call, content);
        frames.Write("content_block_start"u8, index, ",\"content_block\":"u8, content.WrittenSpan, "}"u8);
    }

    /// <summary>Writes text that a block gains.</summary>
    public static void WriteText(MessagesAnswerBlock block, ReadOnlySpan<byte> text, ref MessagesFrames frames)
    {
        var before = block.Kind switch
        {
            BlockKind.Reasoning => ",\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\""u8,
            BlockKind.ToolCall or BlockKind.ServerToolCall => ",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\""u8,
            _ => ",\"delta\":{\"type\":\"text_delta\",\"text\":\""u8,
        };
        frames.Write("content_block_delta"u8, block.Index, before, text, "\"}}"u8);
    }

    public static void WriteCitation(int index, Citation citation, ref MessagesFrames frames)
    {
        var json = new ArrayBufferWriter<byte>(256);
        MessagesCitations.Write(citation, json);
        frames.Write("content_block_delta"u8, index, ",\"delta\":{\"type\":\"citations_delta\",\"citation\":"u8, json.WrittenSpan, "}}"u8);
    }

    /// <summary>Writes a block: as it begins, or with all that it gathered.</summary>
    public static void WriteContentBlock(MessagesAnswerBlock block, bool whole, IBufferWriter<byte> output)
    {
        switch (block.Kind)
        {
            case BlockKind.Reasoning when block.IsRedacted:
                output.Write("{\"type\":\"redacted_thinking\",\"data\":\""u8);
                output.Write(block.Signature);
                output.Write("\"}"u8);
                break;
            case BlockKind.Reasoning:
                output.Write("{\"type\":\"thinking\",\"thinking\":\""u8);
                if (whole) output.Write(block.Text);
                output.Write("\",\"signature\":\""u8);
                if (whole) output.Write(block.Signature);
                output.Write("\"}"u8);
                break;
            case BlockKind.ToolCall:
                output.Write("{\"type\":\"tool_use\",\"id\":"u8);
                JsonText.WriteString(block.Id, output);
                output.Write(",\"name\":"u8);
                JsonText.WriteString(block.Name, output);
                output.Write(",\"input\":"u8);
                output.Write(whole ? block.TextAsJson() : "{}"u8);
                output.Write("}"u8);
                break;
            case BlockKind.ServerToolCall:
                output.Write("{\"type\":\"mcp_tool_use\",\"id\":"u8);
                JsonText.WriteString(block.Id, output);
                output.Write(",\"name\":"u8);
                JsonText.WriteString(block.Name, output);
                output.Write(",\"server_name\":"u8);
                JsonText.WriteString(block.Server, output);
                output.Write(",\"input\":"u8);
                output.Write(whole ? block.TextAsJson() : "{}"u8);
                output.Write("}"u8);
                break;
            case BlockKind.ToolResult:
                output.Write("{\"type\":\"mcp_tool_result\",\"tool_use_id\":"u8);
                JsonText.WriteString(block.Id, output);
                output.Write(block.IsError ? ",\"is_error\":true,\"content\":[{\"type\":\"text\",\"text\":\""u8 : ",\"is_error\":false,\"content\":[{\"type\":\"text\",\"text\":\""u8);
                output.Write(block.Text);
                output.Write("\"}]}"u8);
                break;
            case BlockKind.Other:
                output.Write(block.TextAsJson());
                break;
            default:
                WriteTextBlock(block, whole, output);
                break;
        }
    }

    public static void WriteCallSignature(MessagesAnswerBlock call, IBufferWriter<byte> output)
    {
        output.Write("{\"type\":\"redacted_thinking\",\"data\":"u8);
        JsonText.WriteString(MessagesCallSignature.Write(call.Id, call.Signature), output);
        output.Write("}"u8);
    }

    private static void WriteTextBlock(MessagesAnswerBlock block, bool whole, IBufferWriter<byte> output)
    {
        output.Write("{\"type\":\"text\",\"text\":\""u8);
        if (whole) output.Write(block.Text);
        output.Write("\""u8);
        if (whole && block.Citations.Count > 0)
        {
            output.Write(",\"citations\":["u8);
            for (var i = 0; i < block.Citations.Count; i++)
            {
                if (i > 0) output.Write(","u8);
                MessagesCitations.Write(block.Citations[i], output);
            }

            output.Write("]"u8);
        }

        output.Write("}"u8);
    }
}
