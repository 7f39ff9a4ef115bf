using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>Copies JSON onto one line, as frames need it.</summary>
internal static class ResponsesJson
{
    public static void OneLine(ReadOnlySpan<byte> json, IBufferWriter<byte> output)
    {
        var writer = new SpanWriter(output.GetSpan(json.Length));
        writer.AppendOnOneLine(json);
        output.Advance(writer.Length);
    }

    /// <summary>Copies a member with a comma before it.</summary>
    public static void Member(JsonProperty member, IBufferWriter<byte> output)
    {
        output.Write(",\""u8);
        output.Write(JsonMarshal.GetRawUtf8PropertyName(member));
        output.Write("\":"u8);
        OneLine(JsonMarshal.GetRawUtf8Value(member.Value), output);
    }
}
