using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Penstock.Protocols;

namespace Penstock.Providers.Simulated;

/// <summary>Errors as providers send them, indiscreet ones among them.</summary>
internal static class SimulatedErrors
{
    /// <summary>Stands in every error that is asked for by a knob, as keys stand in some providers' errors: a test can look whether it leaks.</summary>
    public const string FakeSecret = "sk-FAKE-simulated-never-a-real-key";

    /// <summary>An error document that an HTTP status comes with.</summary>
    public static void Write(IBufferWriter<byte> output, int status)
    {
        var (type, code) = status switch
        {
            401 => ("invalid_request_error", "invalid_api_key"),
            403 => ("invalid_request_error", "permission_denied"),
            404 => ("invalid_request_error", "model_not_found"),
            429 => ("requests", "rate_limit_exceeded"),
            503 or 529 => ("server_error", "overloaded"),
            < 500 => ("invalid_request_error", "invalid_value"),
            _ => ("server_error", "server_error"),
        };
        Write(output, $"Simulated failure {status} for key {FakeSecret} at http://10.0.0.1:8080/internal.", type, null, code);
    }

    /// <summary>The reply that the knobs <c>status</c> and <c>retry_after</c> ask for.</summary>
    public static HttpResponseMessage Response(int status, int? retryAfter)
    {
        var body = new ArrayBufferWriter<byte>();
        Write(body, status);
        var response = Response(status, body);
        if (retryAfter is { } seconds) response.Headers.RetryAfter = new RetryConditionHeaderValue(TimeSpan.FromSeconds(seconds));
        return response;
    }

    /// <summary>The reply to a request that cannot be taken.</summary>
    public static HttpResponseMessage Response(RequestException error)
    {
        var body = new ArrayBufferWriter<byte>();
        Write(body, error.Message, "invalid_request_error", error.Param, error.Code);
        return Response(error.Status, body);
    }

    private static HttpResponseMessage Response(int status, ArrayBufferWriter<byte> body) => new((HttpStatusCode)status)
    {
        Content = new ReadOnlyMemoryContent(body.WrittenMemory) { Headers = { ContentType = new("application/json") } },
    };

    private static void Write(IBufferWriter<byte> output, string message, string type, string? param, string? code)
    {
        using var json = new Utf8JsonWriter(output, SimulatedChunks.JsonOptions);
        json.WriteStartObject();
        json.WriteStartObject("error"u8);
        json.WriteString("message"u8, message);
        json.WriteString("type"u8, type);
        json.WriteString("param"u8, param);
        json.WriteString("code"u8, code);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
