using System.Buffers;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>Writes errors as OpenAI does: <c>{"error":{"message","type","param","code"}}</c>.</summary>
internal static class ChatCompletionsErrorWriter
{
    public static void Write(RequestException error, IBufferWriter<byte> output) => Write(error.Message, error.Status, error.Param, error.Code, output);

    /// <summary>An error inside a stream, on one line.</summary>
    public static void Write(GenerationError? error, IBufferWriter<byte> output) =>
        Write(error?.Message ?? "The answer ended too early: try again.", error?.Status ?? 500, param: null, error?.Code, output);

    private static void Write(string message, int status, string? param, string? code, IBufferWriter<byte> output)
    {
        output.Write("{\"error\":{\"message\":"u8);
        JsonText.WriteString(message, output);
        output.Write(",\"type\":"u8);
        JsonText.WriteString(status switch { 402 => "insufficient_quota", 429 => "rate_limit_exceeded", >= 500 => "server_error", _ => "invalid_request_error" }, output);
        output.Write(",\"param\":"u8);
        JsonText.WriteString(param, output);
        output.Write(",\"code\":"u8);
        JsonText.WriteString(code ?? DefaultCode(status), output);
        output.Write("}}"u8);
    }

    private static string? DefaultCode(int status) => status switch
    {
        401 => "invalid_api_key",
        404 => "model_not_found",
        409 => "conflict",
        413 => "request_too_large",
        429 => "rate_limit_exceeded",
        _ => null,
    };
}
