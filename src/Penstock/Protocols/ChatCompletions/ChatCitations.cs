using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>Reads and writes the sources that an answer cites. They are few, so ease goes before speed.</summary>
internal static class ChatCitations
{
    /// <summary>Reads <c>annotations</c>: <c>[{"type":"url_citation","url_citation":{…}}]</c>.</summary>
    public static void TakeAnnotations(ReadOnlySpan<byte> annotations, ChatChoice choice, IEventSink sink)
    {
        var reader = new Utf8JsonReader(annotations);
        using var document = JsonDocument.ParseValue(ref reader);
        foreach (var annotation in document.RootElement.EnumerateArray())
        {
            if (annotation.ValueKind != JsonValueKind.Object || JsonParts.Object(annotation, "url_citation"u8) is not { } source) continue;
            var citation = new Citation
            {
                Url = JsonParts.String(source, "url"u8),
                Title = JsonParts.String(source, "title"u8),
                Quote = JsonParts.String(source, "content"u8),
                Start = JsonParts.Integer(source, "start_index"u8),
                End = JsonParts.Integer(source, "end_index"u8),
            };
            Take(citation, choice, sink);
        }
    }

    /// <summary>Reads Perplexity's <c>citations</c>: <c>["https://…", …]</c>.</summary>
    public static void TakeUrls(ReadOnlySpan<byte> urls, ChatChoice choice, IEventSink sink)
    {
        var reader = new Utf8JsonReader(urls);
        using var document = JsonDocument.ParseValue(ref reader);
        foreach (var url in document.RootElement.EnumerateArray())
        {
            if (url.ValueKind == JsonValueKind.String) Take(new Citation { Url = RequestJson.Text(url) }, choice, sink);
        }
    }

    /// <summary>Writes an element of <c>annotations</c>.</summary>
    public static void Write(ReadOnlySpan<byte> citation, IBufferWriter<byte> output)
    {
        var source = Citation.Read(citation);
        using var json = JsonOutput.New(output);
        json.WriteStartObject();
        json.WriteString("type"u8, "url_citation"u8);
        json.WriteStartObject("url_citation"u8);
        json.Text("url"u8, source.Url ?? "");
        json.Text("title"u8, source.Title ?? "");
        if (source.Quote is { } quote) json.Text("content"u8, quote);
        json.WriteNumber("start_index"u8, source.Start ?? 0);
        json.WriteNumber("end_index"u8, source.End ?? 0);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Take(Citation citation, ChatChoice choice, IEventSink sink)
    {
        var json = new ArrayBufferWriter<byte>();
        citation.Write(json);
        choice.Append(BlockKind.Text, new GenerationEvent { Kind = EventKind.Delta, Citation = json.WrittenSpan }, sink);
    }
}
