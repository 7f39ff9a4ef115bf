using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>Reads and writes <c>usage</c>. An explicit zero is a zero; what is absent stays unknown.</summary>
internal static class ResponsesUsage
{
    /// <summary>Reads a usage object; null when it says nothing.</summary>
    public static Usage? Read(JsonElement usage)
    {
        if (usage.ValueKind != JsonValueKind.Object) return null;
        var read = new Usage
        {
            InputTokens = Count(usage, "input_tokens"u8),
            OutputTokens = Count(usage, "output_tokens"u8),
            TotalTokens = Count(usage, "total_tokens"u8),
            CachedInputTokens = Detail(usage, "input_tokens_details"u8, "cached_tokens"u8),
            CacheWriteTokens = Detail(usage, "input_tokens_details"u8, "cache_write_tokens"u8),
            ReasoningTokens = Detail(usage, "output_tokens_details"u8, "reasoning_tokens"u8),
        };
        return read is { InputTokens: null, OutputTokens: null, TotalTokens: null } ? null : read;
    }

    /// <summary>Writes a usage object, or <c>null</c>. SDKs want the numbers always, so what is unknown is 0.</summary>
    public static void Write(Usage? usage, IBufferWriter<byte> output)
    {
        if (usage is null)
        {
            output.Write("null"u8);
            return;
        }

        JsonText.WriteNumber("{\"input_tokens\":"u8, usage.InputTokens ?? 0, output);
        JsonText.WriteNumber(",\"input_tokens_details\":{\"cached_tokens\":"u8, usage.CachedInputTokens ?? 0, output);
        JsonText.WriteNumber(",\"cache_write_tokens\":"u8, usage.CacheWriteTokens, output);
        JsonText.WriteNumber("},\"output_tokens\":"u8, usage.OutputTokens ?? 0, output);
        JsonText.WriteNumber(",\"output_tokens_details\":{\"reasoning_tokens\":"u8, usage.ReasoningTokens ?? 0, output);
        JsonText.WriteNumber("},\"total_tokens\":"u8, usage.TotalTokens ?? (usage.InputTokens ?? 0) + (usage.OutputTokens ?? 0), output);
        output.Write("}"u8);
    }

    private static long? Detail(JsonElement usage, ReadOnlySpan<byte> details, ReadOnlySpan<byte> name) =>
        JsonParts.Object(usage, details) is { } value ? Count(value, name) : null;

    private static long? Count(JsonElement usage, ReadOnlySpan<byte> name) => JsonParts.Long(usage, name) is { } number && JsonValue.IsCount(number) ? number : null;
}
