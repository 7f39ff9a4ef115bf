using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>Writes the body that asks a Responses provider.</summary>
internal static class ResponsesRequestWriter
{
    // What is to be counted; who counts refuses the rest, and would count a conversation that it cuts itself.
    private static readonly string[] _counted = ["input", "instructions", "tools", "tool_choice", "text", "reasoning", "parallel_tool_calls"];

    /// <summary>Writes the body that asks how many tokens a request of this protocol has.</summary>
    public static void WriteCounting(GenerationRequest request, string model, IBufferWriter<byte> output)
    {
        output.Write("{\"model\":"u8);
        JsonText.WriteString(model, output);
        CopyMembers(request.Body, stream: false, output, _counted);
        output.Write("}"u8);
    }

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
    private static void CopyMembers(ReadOnlyMemory<byte> json, bool stream, IBufferWriter<byte> output, string[]? only = null)
    {
        var body = json.Span;
        var goesOn = ResponsesConversation.GoesOn(json) || ResponsesApprovals.AreIn(json);
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = 256 });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var ours = reader.ValueTextEquals("model"u8) || reader.ValueTextEquals("stream"u8) || reader.ValueTextEquals("background"u8)
                || reader.ValueTextEquals("previous_response_id"u8) || reader.ValueTextEquals("conversation"u8) || (!stream && reader.ValueTextEquals("stream_options"u8));
            ours |= only is not null && !IsOneOf(only, ref reader);
            var isInput = goesOn && reader.ValueTextEquals("input"u8);
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            if (ours) continue;
            output.Write(","u8);
            if (isInput) ResponsesConversation.WriteInput(json, output);
            else output.Write(body[start..(int)reader.BytesConsumed]);
        }
    }

    private static bool IsOneOf(string[] names, ref Utf8JsonReader reader)
    {
        foreach (var name in names)
        {
            if (reader.ValueTextEquals(name)) return true;
        }

        return false;
    }
}
