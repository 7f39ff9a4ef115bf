using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.Messages;

/// <summary>
/// Citations. The protocol says where in the source the words stand, and by their block which text they support; ours
/// say the latter only, so positions do not travel.
/// </summary>
internal static class MessagesCitations
{
    public static Citation Read(ReadOnlySpan<byte> json)
    {
        string? url = null, title = null, quote = null;
        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("url"u8) || reader.ValueTextEquals("source"u8)) url = Text(ref reader, json) ?? url;
            else if (reader.ValueTextEquals("title"u8) || reader.ValueTextEquals("document_title"u8)) title = Text(ref reader, json) ?? title;
            else if (reader.ValueTextEquals("cited_text"u8)) quote = Text(ref reader, json);
            else reader.Skip();
        }

        return new Citation { Url = url, Title = title, Quote = quote };
    }

    /// <summary>Writes one: a web page where it has an address, else a place in a document.</summary>
    public static void Write(Citation citation, IBufferWriter<byte> output)
    {
        var quote = citation.Quote ?? "";
        if (citation.Url is { } url)
        {
            output.Write("{\"type\":\"web_search_result_location\",\"cited_text\":"u8);
            JsonText.WriteString(quote, output);
            output.Write(",\"url\":"u8);
            JsonText.WriteString(url, output);
            output.Write(",\"title\":"u8);
            JsonText.WriteString(citation.Title, output);
            output.Write(",\"encrypted_index\":\"\"}"u8);
            return;
        }

        output.Write("{\"type\":\"char_location\",\"cited_text\":"u8);
        JsonText.WriteString(quote, output);
        output.Write(",\"document_index\":0,\"document_title\":"u8);
        JsonText.WriteString(citation.Title, output);
        output.Write(",\"start_char_index\":0,\"end_char_index\":"u8);
        JsonText.WriteNumber(quote.Length, output);
        output.Write(",\"file_id\":null}"u8);
    }

    private static string? Text(ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        var value = JsonValue.Read(ref reader, json);
        return JsonValue.IsString(value) ? JsonText.ToText(value[1..^1]) : null;
    }
}
