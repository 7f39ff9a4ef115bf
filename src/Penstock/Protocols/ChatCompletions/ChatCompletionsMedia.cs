using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>Reads the images, recordings and files of a message.</summary>
internal static class ChatCompletionsMedia
{
    public static MediaPart ReadImage(JsonElement part, string path)
    {
        path += ".image_url";
        if (!RequestJson.TryGet(part, "image_url", out var image))
            throw RequestJson.Error("missing_required_parameter", path, $"'{path}' is missing: send {{\"url\": \"…\"}}.");
        var isObject = image.ValueKind == JsonValueKind.Object;
        var url = image.ValueKind switch
        {
            JsonValueKind.String => image, // Mistral and older servers take the bare URL
            JsonValueKind.Object => RequestJson.TryGet(image, "url", out var inner)
                ? inner
                : throw RequestJson.Error("missing_required_parameter", $"{path}.url", $"'{path}.url' is missing: send the image's URL, or a data: URL."),
            _ => throw RequestJson.WrongType(path, "an object with a 'url'", image),
        };
        if (url.ValueKind != JsonValueKind.String) throw RequestJson.WrongType($"{path}.url", "a string", url);
        return DataUrl.Read(url, new MediaPart(MediaKind.Image) { Detail = isObject ? RequestJson.String(image, "detail", $"{path}.detail") : null });
    }

    public static MediaPart ReadAudio(JsonElement part, string path)
    {
        path += ".input_audio";
        var audio = Object(part, "input_audio", path);
        var format = RequestJson.String(audio, "format", $"{path}.format") ?? "wav";
        return new MediaPart(MediaKind.Audio) { Data = Base64(audio, "data", $"{path}.data"), MediaType = format == "mp3" ? "audio/mpeg" : $"audio/{format}" };
    }

    public static MediaPart ReadFile(JsonElement part, string path)
    {
        path += ".file";
        var file = Object(part, "file", path);
        var read = new MediaPart(MediaKind.File)
        {
            FileId = RequestJson.String(file, "file_id", $"{path}.file_id"),
            FileName = RequestJson.String(file, "filename", $"{path}.filename"),
        };
        if (!RequestJson.TryGet(file, "file_data", out var data)) return read;
        return data.ValueKind == JsonValueKind.String ? DataUrl.ReadBytes(data, read) : throw RequestJson.WrongType($"{path}.file_data", "a string", data);
    }

    private static JsonElement Object(JsonElement part, string name, string path)
    {
        if (!RequestJson.TryGet(part, name, out var value)) throw RequestJson.Error("missing_required_parameter", path, $"'{path}' is missing.");
        return value.ValueKind == JsonValueKind.Object ? value : throw RequestJson.WrongType(path, "an object", value);
    }

    private static byte[] Base64(JsonElement parent, string name, string path) =>
        RequestJson.TryGet(parent, name, out var value) && value.ValueKind == JsonValueKind.String
            ? DataUrl.Base64(JsonMarshal.GetRawUtf8Value(value)[1..^1])
            : throw RequestJson.Error("missing_required_parameter", path, $"'{path}' is missing: send the bytes in base64.");
}
