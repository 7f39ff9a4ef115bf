using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>
/// What of a request its response repeats, and how we treat it: kept with the generation, since the request itself is let go.
/// </summary>
internal static class ResponsesEcho
{
    /// <summary>More than this and the longest of it, instructions and tools, are left out: it is repeated in several events.</summary>
    private const int MaxLength = 64 * 1024;

    private static readonly (string Name, string Default)[] _members =
    [
        ("background", "false"), ("conversation", "null"), ("instructions", "null"), ("max_output_tokens", "null"), ("max_tool_calls", "null"), ("metadata", "{}"),
        ("parallel_tool_calls", "true"), ("previous_response_id", "null"), ("prompt_cache_key", "null"),
        ("reasoning", """{"effort":null,"summary":null}"""), ("safety_identifier", "null"), ("service_tier", "\"default\""), ("store", "true"),
        ("temperature", "null"), ("text", """{"format":{"type":"text"}}"""), ("tool_choice", "\"auto\""), ("tools", "[]"), ("top_logprobs", "0"),
        ("top_p", "null"), ("truncation", "\"disabled\""), ("user", "null"),
    ];

    private static readonly byte[] _defaults = Write(default);

    /// <summary>What the response to a body repeats.</summary>
    public static byte[] Write(JsonElement root)
    {
        var echo = Write(root, whole: true);
        return echo.Length <= MaxLength ? echo : Write(root, whole: false);
    }

    /// <summary>The members, without the braces; the defaults where there is no echo.</summary>
    public static ReadOnlySpan<byte> Members(ReadOnlySpan<byte> echo) => (echo.IsEmpty ? _defaults : echo)[1..^1];

    /// <summary>Whether the client wants the response kept, to read it again; that is the default.</summary>
    public static bool IsStored(ReadOnlyMemory<byte> echo) => !Is(echo, "store"u8, JsonValueKind.False);

    /// <summary>Whether the client did not wait for the response.</summary>
    public static bool IsBackground(ReadOnlyMemory<byte> echo) => Is(echo, "background"u8, JsonValueKind.True);

    /// <summary>The response that this one goes on from, as raw JSON; empty for none.</summary>
    public static byte[] PreviousId(ReadOnlyMemory<byte> echo)
    {
        if (echo.IsEmpty) return [];
        using var document = JsonDocument.Parse(echo, new JsonDocumentOptions { MaxDepth = JsonValue.MaxDepth });
        return document.RootElement.TryGetProperty("previous_response_id"u8, out var id) && id.ValueKind == JsonValueKind.String ? JsonParts.Raw(id).ToArray() : [];
    }

    /// <summary>The conversation that the response is a turn of, as the response has it (<c>{"id":"conv_…"}</c>), raw; empty for none.</summary>
    public static byte[] Conversation(ReadOnlyMemory<byte> echo)
    {
        if (echo.IsEmpty) return [];
        using var document = JsonDocument.Parse(echo, new JsonDocumentOptions { MaxDepth = JsonValue.MaxDepth });
        return JsonParts.Object(document.RootElement, "conversation"u8) is { } conversation ? JsonParts.Raw(conversation).ToArray() : [];
    }

    private static bool Is(ReadOnlyMemory<byte> echo, ReadOnlySpan<byte> name, JsonValueKind kind)
    {
        if (echo.IsEmpty) return false;
        using var document = JsonDocument.Parse(echo, new JsonDocumentOptions { MaxDepth = JsonValue.MaxDepth });
        return document.RootElement.TryGetProperty(name, out var value) && value.ValueKind == kind;
    }

    private static byte[] Write(JsonElement root, bool whole)
    {
        var output = new ArrayBufferWriter<byte>(512);
        foreach (var (name, absent) in _members)
        {
            output.Write(output.WrittenCount == 0 ? "{"u8 : ","u8);
            JsonText.WriteString(name, output);
            output.Write(":"u8);
            var said = root.ValueKind == JsonValueKind.Object && RequestJson.TryGet(root, name, out var value) ? value : default;
            if (name == "conversation" && said.ValueKind != JsonValueKind.Undefined) WriteConversation(root, output);
            else if (said.ValueKind == JsonValueKind.Undefined || (!whole && name is ("instructions" or "tools"))) JsonText.WriteUtf8(absent, output);
            else ResponsesJson.OneLine(JsonMarshal.GetRawUtf8Value(said), output);
        }

        output.Write("}"u8);
        return output.WrittenSpan.ToArray();
    }

    // Whichever way it was named, it comes back in one.
    private static void WriteConversation(JsonElement root, IBufferWriter<byte> output)
    {
        output.Write("{\"id\":"u8);
        JsonText.WriteString(ResponsesConversation.ReadConversationId(root), output);
        output.Write("}"u8);
    }
}
