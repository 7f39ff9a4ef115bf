using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Penstock.Protocols;

/// <summary>Writes JSON for providers: text as UTF-8 where it can be, and half a surrogate pair as the escape it came as.</summary>
internal static class JsonOutput
{
    // It goes to an API, not into a page.
    private static readonly JsonWriterOptions _options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true, MaxDepth = 256 };

    public static Utf8JsonWriter New(IBufferWriter<byte> output) => new(output, _options);

    /// <summary>Writes a text member.</summary>
    public static void Text(this Utf8JsonWriter json, ReadOnlySpan<byte> name, string text)
    {
        json.WritePropertyName(name);
        json.Text(text);
    }

    /// <summary>Writes a text value.</summary>
    public static void Text(this Utf8JsonWriter json, string text)
    {
        var raw = new ArrayBufferWriter<byte>(text.Length + 16);
        JsonText.WriteString(text, raw);
        json.WriteRawValue(raw.WrittenSpan, skipInputValidation: true);
    }

    /// <summary>Writes a member that is JSON already.</summary>
    public static void Raw(this Utf8JsonWriter json, ReadOnlySpan<byte> name, ReadOnlyMemory<byte> value)
    {
        json.WritePropertyName(name);
        json.WriteRawValue(value.Span, skipInputValidation: true);
    }

    /// <summary>Writes a setting, if it was said.</summary>
    public static void Number(this Utf8JsonWriter json, ReadOnlySpan<byte> name, Setting<double>? setting)
    {
        if (setting is { } said) json.WriteNumber(name, said.Value);
    }

    /// <summary>Writes a setting, if it was said.</summary>
    public static void Number(this Utf8JsonWriter json, ReadOnlySpan<byte> name, Setting<int>? setting)
    {
        if (setting is { } said) json.WriteNumber(name, said.Value);
    }

    /// <summary>Writes a setting, if it was said.</summary>
    public static void Boolean(this Utf8JsonWriter json, ReadOnlySpan<byte> name, Setting<bool>? setting)
    {
        if (setting is { } said) json.WriteBoolean(name, said.Value);
    }
}
