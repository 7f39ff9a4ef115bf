using System.Text.Json;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>
/// Reasoning in a conversation's history: the names it has in the wild, and the signatures that go with it.
/// https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks
/// https://ai.google.dev/gemini-api/docs/thought-signatures#openai
/// </summary>
internal static class ChatCompletionsReasoning
{
    public static void Read(JsonElement message, string path, List<Part> parts)
    {
        if (RequestJson.TryGet(message, "reasoning_details", out var details) && details.ValueKind == JsonValueKind.Array)
        {
            var index = 0;
            foreach (var detail in details.EnumerateArray()) ReadDetail(detail, $"{path}.reasoning_details[{index++}]", parts);
            if (parts.Count > 0) return;
        }

        var text = RequestJson.String(message, "reasoning_content", $"{path}.reasoning_content") ?? RequestJson.String(message, "reasoning", $"{path}.reasoning");
        if (!string.IsNullOrEmpty(text)) parts.Add(new ReasoningPart(text) { Path = $"{path}.reasoning_content" });
    }

    /// <summary>Gemini's signature on a tool call.</summary>
    public static string? ReadCallSignature(JsonElement call) =>
        RequestJson.TryGet(call, "extra_content", out var extra) && extra.ValueKind == JsonValueKind.Object
        && RequestJson.TryGet(extra, "google", out var google) && google.ValueKind == JsonValueKind.Object
            ? RequestJson.String(google, "thought_signature", "extra_content.google.thought_signature")
            : null;

    private static void ReadDetail(JsonElement detail, string path, List<Part> parts)
    {
        if (detail.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType(path, "an object", detail);
        var signature = RequestJson.String(detail, "signature", $"{path}.signature");
        if (RequestJson.String(detail, "data", $"{path}.data") is { } data)
        {
            parts.Add(new ReasoningPart("") { Signature = data, IsRedacted = true, Path = path });
            return;
        }

        var text = RequestJson.String(detail, "text", $"{path}.text") ?? RequestJson.String(detail, "summary", $"{path}.summary") ?? "";
        // A stream gives the text in pieces and the signature last, and some clients send the pieces back as they came.
        if (parts is [.., ReasoningPart { Signature: null } last]) parts[^1] = last with { Text = last.Text + text, Signature = signature };
        else parts.Add(new ReasoningPart(text) { Signature = signature, Path = path });
    }
}
