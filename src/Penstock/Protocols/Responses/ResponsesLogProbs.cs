using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>Log probabilities: events carry them as Chat Completions wraps them, <c>{"content":[…]}</c>; here they stand bare.</summary>
internal static class ResponsesLogProbs
{
    /// <summary>The inside of the list; empty where there is none.</summary>
    public static ReadOnlySpan<byte> List(ReadOnlySpan<byte> logProbs)
    {
        if (!JsonValue.IsObject(logProbs)) return default;
        var reader = new Utf8JsonReader(logProbs, new JsonReaderOptions { MaxDepth = JsonValue.MaxDepth });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isContent = reader.ValueTextEquals("content"u8);
            var value = JsonValue.Read(ref reader, logProbs);
            if (isContent && JsonValue.IsArray(value)) return value[1..^1].Trim(" \t\r\n"u8);
        }

        return default;
    }
}
