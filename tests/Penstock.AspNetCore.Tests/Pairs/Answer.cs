using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Penstock.AspNetCore.Tests.Pairs;

/// <summary>What an answer says, in no protocol's words: what a scripted provider is to say, and what a client has understood.</summary>
internal sealed record Answer
{
    public string Reasoning { get; init; } = "";

    /// <summary>The signature or the encrypted content that stands beside the reasoning; null for none.</summary>
    public string? ReasoningSignature { get; init; }

    /// <summary>Reasoning that is nothing but ciphertext.</summary>
    public string? Redacted { get; init; }

    public string Text { get; init; } = "";

    public string? TextSignature { get; init; }

    public string Refusal { get; init; } = "";

    /// <summary>The addresses of the sources that the text cites.</summary>
    public IReadOnlyList<string> Sources { get; init; } = [];

    public IReadOnlyList<Call> Calls { get; init; } = [];

    /// <summary>The calls of tools that the server ran, for a client that sees them.</summary>
    public IReadOnlyList<ServerCall> ServerCalls { get; init; } = [];

    public string? Image { get; init; }

    /// <summary><c>stop</c>, <c>length</c>, <c>calls</c>, <c>filter</c>; null where none was said.</summary>
    public string? Stop { get; init; } = "stop";

    public Tokens? Usage { get; init; }

    /// <summary>The error that ended it, as it was said; null for none.</summary>
    public string? Error { get; init; }

    /// <summary>The blocks, items or parts as they came, for a client that sends them back so; null where they are not kept.</summary>
    public JsonArray? Raw { get; init; }

    /// <summary>The protocol's own end was there.</summary>
    public bool Complete { get; init; } = true;

    /// <summary>One line for each thing, so that a difference is easy to see.</summary>
    public override string ToString()
    {
        var lines = new StringBuilder();
        void Line(string name, object? value) => _ = value is null or "" ? lines : lines.Append(name).Append(": ").Append(value).Append('\n');
        Line("reasoning", Reasoning);
        Line("signature", ReasoningSignature);
        Line("redacted", Redacted);
        Line("text", Text);
        Line("text signature", TextSignature);
        Line("refusal", Refusal);
        foreach (var source in Sources) Line("source", source);
        Line("image", Image);
        foreach (var call in Calls) Line("call", call);
        Line("stop", Stop);
        Line("usage", Usage);
        Line("error", Error is null ? null : "yes");
        Line("complete", Complete);
        return lines.ToString();
    }
}

/// <summary>A tool call.</summary>
/// <param name="Id">Its id; empty where the protocol need not give one.</param>
/// <param name="Name">The function.</param>
/// <param name="Arguments">JSON, in any spelling; empty for none.</param>
internal sealed record Call(string Id, string Name, string Arguments)
{
    public string? Signature { get; init; }

    public override string ToString() => $"{(Id.Length == 0 ? "" : Id + " ")}{Name}({Js.Canonical(Arguments.Length == 0 ? "{}" : Arguments)}){(Signature is null ? "" : " signed " + Signature)}";
}

/// <summary>A call of a tool that the server ran, and what it gave back.</summary>
internal sealed record ServerCall(string Server, string Name, string Arguments, string Output, bool IsError)
{
    public override string ToString() => $"{Server}.{Name}({Js.Canonical(Arguments)}) = {(IsError ? "error " : "")}{Output}";
}

/// <summary>Tokens used; input counts the cached ones, output the reasoning. A detail of 0 and none at all are the same: some protocols must say 0.</summary>
internal sealed record Tokens(long Input, long Output)
{
    public long Cached { get; init; }

    public long CacheWrite { get; init; }

    public long Reasoning { get; init; }

    public override string ToString() => $"{Input} in ({Cached} cached, {CacheWrite} written), {Output} out ({Reasoning} reasoning)";
}

/// <summary>JSON as tests need it.</summary>
internal static class Js
{
    private static readonly JsonWriterOptions _options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A string as JSON.</summary>
    public static string Q(string? text) => text is null ? "null" : $"\"{JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text)}\"";

    /// <summary>One spelling for what is the same JSON; what is no JSON stays as it is.</summary>
    public static string Canonical(string text)
    {
        try
        {
            return Canonical(JsonNode.Parse(text));
        }
        catch (JsonException)
        {
            return text;
        }
    }

    public static string Canonical(JsonNode? node)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, _options)) Write(node, writer);
        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    /// <summary>The string there, or an empty one.</summary>
    public static string Str(this JsonNode? node) => node is JsonValue value && value.GetValueKind() == JsonValueKind.String ? (string)value! : "";

    public static string? StrOrNull(this JsonNode? node) => node.Str() is { Length: > 0 } text ? text : null;

    public static long Num(this JsonNode? node) => node is JsonValue value && value.GetValueKind() == JsonValueKind.Number ? (long)value.GetValue<double>() : 0;

    /// <summary>The elements of a list; none where there is no list.</summary>
    public static IEnumerable<JsonNode> Items(this JsonNode? node) => node is JsonArray list ? list.OfType<JsonNode>() : [];

    /// <summary>A member, or null where the parent is no object.</summary>
    public static JsonNode? At(this JsonNode? node, params string[] path)
    {
        foreach (var name in path) node = node is JsonObject parent ? parent[name] : null;
        return node;
    }

    private static void Write(JsonNode? node, Utf8JsonWriter writer)
    {
        switch (node)
        {
            case JsonObject parent:
                writer.WriteStartObject();
                foreach (var (name, value) in parent.OrderBy(m => m.Key, StringComparer.Ordinal))
                {
                    writer.WritePropertyName(name);
                    Write(value, writer);
                }

                writer.WriteEndObject();
                break;
            case JsonArray list:
                writer.WriteStartArray();
                foreach (var item in list) Write(item, writer);
                writer.WriteEndArray();
                break;
            case null:
                writer.WriteNullValue();
                break;
            default:
                node.WriteTo(writer);
                break;
        }
    }
}
