using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Penstock.Protocols.Messages;

/// <summary>Reads and writes the sources of images and documents.</summary>
internal static class MessagesMedia
{
    /// <summary>A block's source.</summary>
    public static JsonElement Source(JsonElement block, string path)
    {
        path += ".source";
        if (!RequestJson.TryGet(block, "source", out var source))
            throw RequestJson.Error("missing_required_parameter", path, $"'{path}' is missing: send {{\"type\": \"base64\", \"media_type\": \"…\", \"data\": \"…\"}} or {{\"type\": \"url\", \"url\": \"…\"}}.");
        return source.ValueKind == JsonValueKind.Object ? source : throw RequestJson.WrongType(path, "an object with a 'type'", source);
    }

    public static MediaPart Read(JsonElement source, MediaKind kind, string path)
    {
        var type = RequestJson.String(source, "type", $"{path}.type");
        return type switch
        {
            "base64" => new MediaPart(kind)
            {
                Data = DataUrl.Base64(JsonMarshal.GetRawUtf8Value(Required(source, "data", path))[1..^1]),
                MediaType = RequestJson.String(source, "media_type", $"{path}.media_type"),
            },
            "url" => DataUrl.Read(Required(source, "url", path), new MediaPart(kind)),
            "file" => new MediaPart(kind) { FileId = RequestJson.Text(Required(source, "file_id", path)) },
            _ => throw RequestJson.Error("invalid_value", $"{path}.type", $"'{path}.type' is '{type}': use base64, url or file."),
        };
    }

    /// <summary>Writes an image or a document as a block.</summary>
    /// <exception cref="RequestException">The protocol has no words for it.</exception>
    public static void Write(MediaPart media, Utf8JsonWriter json)
    {
        var isText = media.Kind == MediaKind.File && media.MediaType?.StartsWith("text/", StringComparison.Ordinal) == true;
        var isPdf = media.Kind == MediaKind.File && media.MediaType is null or "application/pdf";
        if (media.FileId is not null || media.Kind == MediaKind.Audio || (media.Kind == MediaKind.File && media.Url is null && !isText && !isPdf))
            throw DroppedFields.Refuse(media.Path, MessagesProtocol.ProtocolName);
        json.WriteStartObject();
        json.WriteString("type"u8, media.Kind == MediaKind.Image ? "image"u8 : "document"u8);
        json.WriteStartObject("source"u8);
        if (media.Url is { } url)
        {
            json.WriteString("type"u8, "url"u8);
            json.Text("url"u8, url);
        }
        else if (isText)
        {
            json.WriteString("type"u8, "text"u8);
            json.WriteString("media_type"u8, "text/plain"u8);
            json.Text("data"u8, Decode(media));
        }
        else
        {
            json.WriteString("type"u8, "base64"u8);
            json.Text("media_type"u8, media.MediaType ?? (media.Kind == MediaKind.Image ? "image/png" : "application/pdf"));
            json.WriteString("data"u8, media.Data.Span);
        }

        json.WriteEndObject();
        if (media is { Kind: MediaKind.File, FileName: { } name }) json.Text("title"u8, name);
        if (!media.CacheControl.IsEmpty) json.Raw("cache_control"u8, media.CacheControl);
        json.WriteEndObject();
    }

    private static string Decode(MediaPart media)
    {
        try
        {
            return Encoding.UTF8.GetString(Convert.FromBase64String(Encoding.ASCII.GetString(media.Data.Span)));
        }
        catch (FormatException)
        {
            throw RequestJson.Error("invalid_value", media.Path, $"'{media.Path}' is not base64: encode the file's bytes as base64.");
        }
    }

    private static JsonElement Required(JsonElement source, string name, string path)
    {
        if (!RequestJson.TryGet(source, name, out var value)) throw RequestJson.Error("missing_required_parameter", $"{path}.{name}", $"'{path}.{name}' is missing: send it as a string.");
        return value.ValueKind == JsonValueKind.String ? value : throw RequestJson.WrongType($"{path}.{name}", "a string", value);
    }
}
