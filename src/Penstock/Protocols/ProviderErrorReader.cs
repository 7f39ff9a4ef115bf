using System.Text;
using System.Text.Json;

namespace Penstock.Protocols;

/// <summary>
/// Turns a provider's error into one that strangers may see: a code and a sentence of our own by its kind. Nothing of the
/// provider's words goes through, since they hold keys, organizations and addresses.
/// </summary>
internal static class ProviderErrorReader
{
    /// <summary>Reads an error.</summary>
    /// <param name="json">The error member (a string or an object), or a whole error body, or anything at all.</param>
    /// <param name="status">The HTTP status it came with, or 0 for an error inside a stream.</param>
    /// <param name="retryAfter">When the provider said to come back.</param>
    public static GenerationError Read(ReadOnlySpan<byte> json, int status = 0, TimeSpan? retryAfter = null)
    {
        var words = new StringBuilder();
        try
        {
            Collect(json, words, ref status);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // the latter of a name with half a surrogate pair
        {
            // Not JSON (a proxy's HTML page, say): the status alone must do.
        }

        return Classify(words.ToString(), status) with { RetryAfter = retryAfter };
    }

    /// <summary>Whether a payload that says nothing of its protocol's is an error as web frameworks write them: <c>{"detail": …}</c>.</summary>
    public static bool IsDetail(ReadOnlySpan<byte> json) => !JsonValue.Member(json, "detail"u8).IsEmpty;

    /// <summary>Gathers what an error says in <c>code</c>, <c>type</c>, <c>status</c> and <c>message</c>, at whatever depth.</summary>
    private static void Collect(ReadOnlySpan<byte> json, StringBuilder words, ref int status)
    {
        var reader = new Utf8JsonReader(json);
        var isStatus = false;
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.PropertyName:
                    isStatus = reader.ValueTextEquals("code"u8) || reader.ValueTextEquals("status"u8) || reader.ValueTextEquals("status_code"u8);
                    break;
                case JsonTokenType.Number when isStatus && reader.TryGetInt32(out var number) && number is >= 400 and < 600:
                    if (status == 0) status = number;
                    break;
                case JsonTokenType.String when isStatus && reader.ValueSpan.Length == 3 && int.TryParse(reader.ValueSpan, out var number) && number is >= 400 and < 600:
                    if (status == 0) status = number;
                    break;
                case JsonTokenType.String:
                    words.Append(JsonText.ToText(reader.ValueSpan)).Append('\n');
                    break;
            }
        }
    }

    private static GenerationError Classify(string words, int status)
    {
        bool Says(params ReadOnlySpan<string> any)
        {
            foreach (var word in any)
            {
                if (words.Contains(word, StringComparison.OrdinalIgnoreCase)) return true;
            }

            return false;
        }

        if (Says("context_length", "context length", "maximum context", "context window", "too many tokens", "prompt is too long"))
            return new("context_length_exceeded", "The conversation is too long for this model: shorten it, or choose a model with a longer context.", 400);
        if (status == 402 || Says("insufficient_quota", "exceeded your current quota", "insufficient balance", "insufficient credits"))
            return new("insufficient_quota", "The provider's quota is used up: the operator of this server must renew it, or choose another model.", 429);
        if (status == 429 || Says("rate_limit", "rate limit", "too many requests", "RESOURCE_EXHAUSTED"))
            return new("rate_limited", "The provider is limiting requests: wait a little and try again.", 429);
        if (status is 503 or 529 || Says("overloaded", "UNAVAILABLE", "at capacity"))
            return new("provider_overloaded", "The provider is overloaded: wait a little and try again, or choose another model.", 503);
        if (Says("content_filter", "content_policy", "content management policy"))
            return new("content_filtered", "The provider's content filter refused the request: change what you ask.", 400);
        if (status is 401 or 403 || Says("invalid_api_key", "authentication_error", "UNAUTHENTICATED", "permission_error"))
            return new("provider_unauthorized", "The provider did not accept this server's credentials: its operator must check the key.", 502);
        if (status == 404 || Says("model_not_found", "model_not_available"))
            return new("model_not_found", "The provider does not have this model: choose another one.", 404);
        if (status is 408 or 504 || Says("timeout", "timed out", "DEADLINE_EXCEEDED"))
            return new("provider_timeout", "The provider took too long: try again.", 504);
        if (status == 413) return new("request_too_large", "The request is too large for the provider: make it smaller.", 413);
        if (status is 400 or 422 || Says("invalid_request_error", "BadRequestError", "INVALID_ARGUMENT"))
            return new("provider_rejected_request", "The provider did not accept the request: check its parameters against what the model takes.", 400);
        return new("provider_error", "The provider failed to answer: try again, or choose another model.", 502);
    }
}
