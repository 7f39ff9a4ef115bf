using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols;

/// <summary>A source that an answer cites: what all protocols' citations have in common.</summary>
public sealed record Citation
{
    public string? Url { get; init; }

    public string? Title { get; init; }

    /// <summary>The words of the source.</summary>
    public string? Quote { get; init; }

    /// <summary>The first character of the answer's text that it supports, where that is said.</summary>
    public int? Start { get; init; }

    /// <summary>The character after the last.</summary>
    public int? End { get; init; }

    /// <summary>Writes it as events carry it.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        using var json = new Utf8JsonWriter(output);
        json.WriteStartObject();
        if (Url is not null) json.WriteString("url"u8, Url);
        if (Title is not null) json.WriteString("title"u8, Title);
        if (Quote is not null) json.WriteString("quote"u8, Quote);
        if (Start is { } start) json.WriteNumber("start"u8, start);
        if (End is { } end) json.WriteNumber("end"u8, end);
        json.WriteEndObject();
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="JsonException">It is something else.</exception>
    public static Citation Read(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        using var document = JsonDocument.ParseValue(ref reader);
        var root = document.RootElement;
        return new Citation
        {
            Url = String("url"u8),
            Title = String("title"u8),
            Quote = String("quote"u8),
            Start = root.TryGetProperty("start"u8, out var start) ? start.GetInt32() : null,
            End = root.TryGetProperty("end"u8, out var end) ? end.GetInt32() : null,
        };

        string? String(ReadOnlySpan<byte> name) => root.TryGetProperty(name, out var value) ? value.GetString() : null;
    }
}
