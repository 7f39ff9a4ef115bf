using System.Text.Json;

namespace Penstock.Protocols.Gemini;

/// <summary>One part of an answer while it is read: slices of its JSON, each empty where it is absent.</summary>
internal ref struct GeminiPart
{
    /// <summary>The inside of the string, still escaped.</summary>
    public ReadOnlySpan<byte> Text;

    public bool HasText;

    /// <summary>The text is a thought.</summary>
    public bool Thought;

    /// <summary>The inside of the string.</summary>
    public ReadOnlySpan<byte> Signature;

    public ReadOnlySpan<byte> FunctionCall;

    public ReadOnlySpan<byte> InlineData;

    /// <summary>The name of what else it holds, e.g. <c>executableCode</c>.</summary>
    public ReadOnlySpan<byte> Other;

    public static GeminiPart Read(ReadOnlySpan<byte> json)
    {
        GeminiPart part = default;
        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("text"u8))
            {
                part.Text = JsonValue.Inside(JsonValue.Read(ref reader, json));
                part.HasText = true;
            }
            else if (reader.ValueTextEquals("thought"u8)) part.Thought = JsonValue.Read(ref reader, json).SequenceEqual("true"u8);
            else if (reader.ValueTextEquals("thoughtSignature"u8)) part.Signature = JsonValue.Inside(JsonValue.Read(ref reader, json));
            else if (reader.ValueTextEquals("functionCall"u8)) part.FunctionCall = JsonValue.Read(ref reader, json);
            else if (reader.ValueTextEquals("inlineData"u8)) part.InlineData = JsonValue.Read(ref reader, json);
            else
            {
                // What describes the part is an object as well, but named so.
                var name = reader.ValueSpan;
                if (JsonValue.IsObject(JsonValue.Read(ref reader, json)) && !name.EndsWith("Metadata"u8) && !name.EndsWith("Resolution"u8)) part.Other = name;
            }
        }

        return part;
    }
}
