using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.Gemini;

/// <summary>The sources of an answer: <c>groundingMetadata</c> of searches, <c>citationMetadata</c> of what is recited.</summary>
internal static class GeminiSources
{
    /// <summary>Reads them.</summary>
    /// <param name="grounding">Raw JSON, or empty.</param>
    /// <param name="citations">Raw JSON, or empty.</param>
    /// <param name="positions">Whether the places in the text, which count bytes, are its characters too.</param>
    public static List<Citation> Read(ReadOnlyMemory<byte> grounding, ReadOnlyMemory<byte> citations, bool positions)
    {
        var read = new List<Citation>();
        if (!grounding.IsEmpty) ReadGrounding(grounding, positions, read);
        if (!citations.IsEmpty) ReadCitations(citations, positions, read);
        return read;
    }

    /// <summary>Writes <c>,"groundingMetadata":{…}</c>, or nothing.</summary>
    public static void WriteMember(List<Citation>? citations, bool positions, IBufferWriter<byte> output)
    {
        if (citations is not { Count: > 0 }) return;
        output.Write(",\"groundingMetadata\":"u8);
        using var json = JsonOutput.New(output);
        json.WriteStartObject();
        json.WriteStartArray("groundingChunks"u8);
        foreach (var citation in citations)
        {
            json.WriteStartObject();
            json.WriteStartObject("web"u8);
            if (citation.Url is { } url) json.Text("uri"u8, url);
            if (citation.Title is { } title) json.Text("title"u8, title);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("groundingSupports"u8);
        for (var i = 0; i < citations.Count; i++)
        {
            if (!positions || citations[i] is not { Start: { } start, End: { } end }) continue;
            json.WriteStartObject();
            json.WriteStartObject("segment"u8);
            json.WriteNumber("startIndex"u8, start);
            json.WriteNumber("endIndex"u8, end);
            json.WriteEndObject();
            json.WriteStartArray("groundingChunkIndices"u8);
            json.WriteNumberValue(i);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void ReadGrounding(ReadOnlyMemory<byte> grounding, bool positions, List<Citation> read)
    {
        using var document = JsonDocument.Parse(grounding);
        var chunks = new List<Citation>();
        foreach (var chunk in JsonParts.Objects(document.RootElement, "groundingChunks"))
        {
            // {"web":{"uri","title"}}, or retrievedContext, or maps
            var source = chunk.EnumerateObject().Select(m => m.Value).FirstOrDefault(v => v.ValueKind == JsonValueKind.Object);
            chunks.Add(source.ValueKind == JsonValueKind.Object ? new Citation { Url = JsonParts.String(source, "uri"u8), Title = JsonParts.String(source, "title"u8) } : new Citation());
        }

        var cited = new HashSet<int>();
        foreach (var support in JsonParts.Objects(document.RootElement, "groundingSupports"))
        {
            if (!support.TryGetProperty("groundingChunkIndices"u8, out var indices) || indices.ValueKind != JsonValueKind.Array) continue;
            var segment = JsonParts.Object(support, "segment"u8) ?? default;
            foreach (var index in indices.EnumerateArray())
            {
                if (index.ValueKind != JsonValueKind.Number || !index.TryGetInt32(out var i) || i < 0 || i >= chunks.Count) continue;
                cited.Add(i);
                read.Add(Place(chunks[i], segment, positions));
            }
        }

        read.AddRange(chunks.Where((c, i) => c.Url is not null && !cited.Contains(i)));
    }

    private static void ReadCitations(ReadOnlyMemory<byte> citations, bool positions, List<Citation> read)
    {
        using var document = JsonDocument.Parse(citations);
        foreach (var name in (ReadOnlySpan<string>)["citationSources", "citations"])
        {
            foreach (var source in JsonParts.Objects(document.RootElement, name))
                read.Add(Place(new Citation { Url = JsonParts.String(source, "uri"u8), Title = JsonParts.String(source, "title"u8) }, source, positions));
        }
    }

    // Where the beginning is 0 it is left out.
    private static Citation Place(Citation citation, JsonElement segment, bool positions) =>
        positions && segment.ValueKind == JsonValueKind.Object && JsonParts.Integer(segment, "endIndex"u8) is { } end && JsonParts.Integer(segment, "partIndex"u8) is null or 0
            ? citation with { Start = JsonParts.Integer(segment, "startIndex"u8) ?? 0, End = end }
            : citation;
}
