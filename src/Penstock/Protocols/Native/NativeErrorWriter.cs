using System.Buffers;

namespace Penstock.Protocols.Native;

/// <summary>Writes the error body of this server's own endpoints: <c>{"error":{"code","message","param"}}</c>.</summary>
internal static class NativeErrorWriter
{
    public static void Write(RequestException error, IBufferWriter<byte> output)
    {
        output.Write("{\"error\":{\"code\":"u8);
        JsonText.WriteString(error.Code ?? "invalid_request", output);
        output.Write(",\"message\":"u8);
        JsonText.WriteString(error.Message, output);
        output.Write(",\"param\":"u8);
        JsonText.WriteString(error.Param, output);
        output.Write("}}"u8);
    }
}
