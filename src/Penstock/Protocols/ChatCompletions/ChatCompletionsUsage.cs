using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>Reads and writes <c>usage</c>. An explicit zero is a zero; what is absent stays unknown.</summary>
internal static class ChatCompletionsUsage
{
    /// <summary>Reads a usage object; null when it says nothing.</summary>
    public static Usage? Read(ReadOnlySpan<byte> json)
    {
        long? input = null, output = null, total = null, cached = null, reasoning = null;
        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("prompt_tokens"u8)) input = JsonValue.ReadCount(ref reader);
            else if (reader.ValueTextEquals("completion_tokens"u8)) output = JsonValue.ReadCount(ref reader);
            else if (reader.ValueTextEquals("total_tokens"u8)) total = JsonValue.ReadCount(ref reader);
            else if (reader.ValueTextEquals("prompt_tokens_details"u8)) cached = Detail(ref reader, "cached_tokens"u8);
            else if (reader.ValueTextEquals("completion_tokens_details"u8)) reasoning = Detail(ref reader, "reasoning_tokens"u8);
            else reader.Skip();
        }

        if (input is null && output is null && total is null) return null;
        // xAI counts the reasoning beside the completion, as its total shows.
        if (reasoning > 0 && total == input + output + reasoning) output += reasoning;
        return new Usage { InputTokens = input, OutputTokens = output, TotalTokens = total, CachedInputTokens = cached, ReasoningTokens = reasoning };
    }

    /// <summary>Writes a usage object. SDKs want the three numbers always, so what is unknown is 0 there.</summary>
    public static void Write(Usage usage, IBufferWriter<byte> output)
    {
        JsonText.WriteNumber("{\"prompt_tokens\":"u8, usage.InputTokens ?? 0, output);
        JsonText.WriteNumber(",\"completion_tokens\":"u8, usage.OutputTokens ?? 0, output);
        JsonText.WriteNumber(",\"total_tokens\":"u8, usage.TotalTokens ?? (usage.InputTokens ?? 0) + (usage.OutputTokens ?? 0), output);
        WriteDetail(",\"prompt_tokens_details\":{\"cached_tokens\":"u8, usage.CachedInputTokens, output);
        WriteDetail(",\"completion_tokens_details\":{\"reasoning_tokens\":"u8, usage.ReasoningTokens, output);
        output.Write("}"u8);
    }

    private static void WriteDetail(ReadOnlySpan<byte> prefix, long? value, IBufferWriter<byte> output)
    {
        if (value is not { } number) return;
        output.Write(prefix);
        JsonText.WriteNumber(number, output);
        output.Write("}"u8);
    }

    private static long? Detail(ref Utf8JsonReader reader, ReadOnlySpan<byte> name)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return null;
        }

        long? found = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals(name)) found = JsonValue.ReadCount(ref reader);
            else reader.Skip();
        }

        return found;
    }
}
