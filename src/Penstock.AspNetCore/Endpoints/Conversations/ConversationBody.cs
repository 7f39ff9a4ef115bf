using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Penstock.AspNetCore.Configuration;
using Penstock.Generations;
using Penstock.Generations.Conversations;
using Penstock.Protocols;
using Penstock.Protocols.Responses;

namespace Penstock.AspNetCore.Endpoints.Conversations;

/// <summary>What clients send about a conversation.</summary>
/// <param name="json">The body.</param>
/// <param name="hash">Its hash.</param>
internal sealed class ConversationBody(JsonDocument json, string hash) : IDisposable
{
    private const string Example = """{"metadata": {"title": "Rivers"}}""";

    // https://platform.openai.com/docs/api-reference/conversations/create
    private const int MaxPairs = 16;
    private const int MaxName = 64;
    private const int MaxValue = 512;

    /// <summary>The hash of the body, to tell it from another one that comes with the same key.</summary>
    public string Hash => hash;

    /// <summary>Reads the body; none at all where there may be none.</summary>
    public static async ValueTask<ConversationBody> ReadAsync(HttpContext context, PenstockOptions options, bool mayBeEmpty = false)
    {
        ReadOnlyMemory<byte> body = "{}"u8.ToArray();
        if (!mayBeEmpty || (context.Request.ContentLength != 0 && context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody is not false))
            body = await RequestBody.ReadJsonAsync(context, options.Limits.MaxBodyBytes);
        if (mayBeEmpty && body.Span.Trim(" \t\r\n"u8).IsEmpty) body = "{}"u8.ToArray();
        return new ConversationBody(RequestJson.Parse(body, Example), IdempotencyKeys.Hash(body.Span));
    }

    public string? String(string name) => RequestJson.String(json.RootElement, name, name);

    /// <summary>The items, with ids for those that have none.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Items() => ConversationItems.Read(json.RootElement, (prefix, _) => prefix + RandomHex.New());

    /// <summary>The metadata, as a JSON object; an empty one where it was not said.</summary>
    /// <exception cref="RequestException">It is more than there may be.</exception>
    public ReadOnlyMemory<byte> Metadata(bool required = false)
    {
        if (required && !json.RootElement.TryGetProperty("metadata"u8, out _))
            throw RequestJson.Error("missing_required_parameter", "metadata", $"'metadata' is missing: send all of it, such as {Example}.");
        if (!RequestJson.TryGet(json.RootElement, "metadata", out var metadata)) return "{}"u8.ToArray();
        if (metadata.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType("metadata", "an object", metadata);
        var count = 0;
        foreach (var pair in metadata.EnumerateObject())
        {
            var (name, path) = (RequestJson.Name(pair), $"metadata.{RequestJson.Name(pair)}");
            if (++count > MaxPairs) throw RequestJson.Error("object_above_max_properties", "metadata", $"'metadata' has more than {MaxPairs} pairs: send fewer.");
            if (name.Length > MaxName) throw RequestJson.Error("string_above_max_length", "metadata", $"A name in 'metadata' is longer than {MaxName} characters: shorten it.");
            if (pair.Value.ValueKind != JsonValueKind.String) throw RequestJson.WrongType(path, "a string", pair.Value);
            if (RequestJson.Text(pair.Value).Length > MaxValue) throw RequestJson.Error("string_above_max_length", path, $"'{path}' is longer than {MaxValue} characters: shorten it.");
        }

        return JsonParts.Raw(metadata).ToArray();
    }

    public void Dispose() => json.Dispose();
}
