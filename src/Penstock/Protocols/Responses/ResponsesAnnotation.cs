using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>Reads and writes the annotations of a text: the sources that it cites.</summary>
internal static class ResponsesAnnotation
{
    public static Citation Read(JsonElement annotation) => new()
    {
        Url = JsonParts.String(annotation, "url"u8),
        Title = JsonParts.String(annotation, "title"u8) ?? JsonParts.String(annotation, "filename"u8),
        Start = JsonParts.Integer(annotation, "start_index"u8),
        End = JsonParts.Integer(annotation, "end_index"u8),
    };

    /// <summary>Writes a citation; one without an address cites a file, as this protocol says it.</summary>
    /// <param name="citation">The source.</param>
    /// <param name="textLength">How long the text is so far: where a source without a place is put.</param>
    /// <param name="output">Takes the JSON.</param>
    public static void Write(Citation citation, int textLength, IBufferWriter<byte> output)
    {
        using var json = JsonOutput.New(output);
        json.WriteStartObject();
        if (citation.Url is { } url)
        {
            json.WriteString("type"u8, "url_citation"u8);
            json.Text("url"u8, url);
            json.Text("title"u8, citation.Title ?? url);
            json.WriteNumber("start_index"u8, citation.Start ?? 0);
            json.WriteNumber("end_index"u8, citation.End ?? textLength);
        }
        else
        {
            json.WriteString("type"u8, "file_citation"u8);
            json.WriteString("file_id"u8, ""u8);
            json.Text("filename"u8, citation.Title ?? "");
            json.WriteNumber("index"u8, citation.End ?? textLength);
        }

        json.WriteEndObject();
    }
}
