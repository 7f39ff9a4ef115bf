using System.Buffers;

namespace Penstock.Protocols.Gemini;

/// <summary>Writes errors as Google's APIs do: <c>{"error":{"code","message","status"}}</c>. https://google.aip.dev/193</summary>
internal static class GeminiErrorWriter
{
    public static void Write(RequestException error, IBufferWriter<byte> output) => Write(error.Message, error.Status, output);

    /// <summary>An error inside a stream, on one line.</summary>
    public static void Write(GenerationError? error, IBufferWriter<byte> output) =>
        Write(error?.Message ?? "The answer ended too early: try again.", error?.Status ?? 500, output);

    private static void Write(string message, int status, IBufferWriter<byte> output)
    {
        output.Write("{\"error\":{\"code\":"u8);
        JsonText.WriteNumber(status, output);
        output.Write(",\"message\":"u8);
        JsonText.WriteString(message, output);
        output.Write(",\"status\":\""u8);
        output.Write(StatusName(status));
        output.Write("\"}}"u8);
    }

    private static ReadOnlySpan<byte> StatusName(int status) => status switch
    {
        401 => "UNAUTHENTICATED"u8,
        403 => "PERMISSION_DENIED"u8,
        404 => "NOT_FOUND"u8,
        405 or 501 => "UNIMPLEMENTED"u8,
        409 => "ABORTED"u8,
        402 or 429 or 507 => "RESOURCE_EXHAUSTED"u8,
        502 or 503 => "UNAVAILABLE"u8,
        504 => "DEADLINE_EXCEEDED"u8,
        >= 500 => "INTERNAL"u8,
        _ => "INVALID_ARGUMENT"u8,
    };
}
