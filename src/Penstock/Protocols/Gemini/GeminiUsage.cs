using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.Gemini;

/// <summary>Reads and writes <c>usageMetadata</c>, which counts thoughts beside the answer, and tool use beside the prompt.</summary>
internal static class GeminiUsage
{
    /// <summary>Reads a usage object; null when it counts nothing.</summary>
    public static Usage? Read(ReadOnlySpan<byte> json)
    {
        long? prompt = null, tools = null, answer = null, thoughts = null, total = null, cached = null;
        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("promptTokenCount"u8)) prompt = JsonValue.ReadCount(ref reader);
            else if (reader.ValueTextEquals("toolUsePromptTokenCount"u8)) tools = JsonValue.ReadCount(ref reader);
            else if (reader.ValueTextEquals("candidatesTokenCount"u8)) answer = JsonValue.ReadCount(ref reader);
            else if (reader.ValueTextEquals("thoughtsTokenCount"u8)) thoughts = JsonValue.ReadCount(ref reader);
            else if (reader.ValueTextEquals("totalTokenCount"u8)) total = JsonValue.ReadCount(ref reader);
            else if (reader.ValueTextEquals("cachedContentTokenCount"u8)) cached = JsonValue.ReadCount(ref reader);
            else reader.Skip();
        }

        if (prompt is null && answer is null && thoughts is null && total is null) return null;
        return new Usage
        {
            InputTokens = tools is null ? prompt : (prompt ?? 0) + tools,
            OutputTokens = thoughts is null ? answer : (answer ?? 0) + thoughts,
            TotalTokens = total,
            CachedInputTokens = cached,
            ReasoningTokens = thoughts,
        };
    }

    /// <summary>Writes <c>,"usageMetadata":{…}</c>, or nothing.</summary>
    public static void WriteMember(Usage? usage, IBufferWriter<byte> output)
    {
        if (usage is null) return;
        JsonText.WriteNumber(",\"usageMetadata\":{\"promptTokenCount\":"u8, usage.InputTokens ?? 0, output);
        JsonText.WriteNumber(",\"candidatesTokenCount\":"u8, Math.Max(0, (usage.OutputTokens ?? 0) - (usage.ReasoningTokens ?? 0)), output);
        JsonText.WriteNumber(",\"totalTokenCount\":"u8, usage.TotalTokens ?? (usage.InputTokens ?? 0) + (usage.OutputTokens ?? 0), output);
        JsonText.WriteNumber(",\"thoughtsTokenCount\":"u8, usage.ReasoningTokens, output);
        JsonText.WriteNumber(",\"cachedContentTokenCount\":"u8, usage.CachedInputTokens, output);
        output.Write("}"u8);
    }
}
