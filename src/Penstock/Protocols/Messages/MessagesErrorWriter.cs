using System.Buffers;

namespace Penstock.Protocols.Messages;

/// <summary>Writes errors as Anthropic does: <c>{"type":"error","error":{"type","message"},"request_id"}</c>.</summary>
internal static class MessagesErrorWriter
{
    /// <summary>The code at which SDKs go on without a thread.</summary>
    public const string ThreadUnsupported = "thread_unsupported_request";

    public static void Write(RequestException error, string? requestId, IBufferWriter<byte> output) =>
        Write(error.Message, error.Status, error.Code, requestId, output);

    /// <summary>An error inside a stream, on one line.</summary>
    public static void Write(GenerationError? error, string? requestId, IBufferWriter<byte> output) =>
        Write(error?.Message ?? "The answer ended too early: try again.", error?.Status ?? 500, error?.Code, requestId, output);

    private static void Write(string message, int status, string? code, string? requestId, IBufferWriter<byte> output)
    {
        output.Write("{\"type\":\"error\",\"error\":{\"type\":"u8);
        JsonText.WriteString(TypeOf(status, code), output);
        output.Write(",\"message\":"u8);
        JsonText.WriteString(message, output);
        if (code == ThreadUnsupported) output.Write(",\"details\":{\"error_code\":\"thread_unsupported_request\",\"unsupported\":[\"thread\"]}"u8);
        output.Write("},\"request_id\":"u8);
        JsonText.WriteString(requestId, output);
        output.Write("}"u8);
    }

    // https://docs.claude.com/en/api/errors
    private static string TypeOf(int status, string? code) => status switch
    {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        503 when code is "overloaded" or "provider_overloaded" => "overloaded_error",
        >= 500 => "api_error",
        _ => "invalid_request_error",
    };
}
