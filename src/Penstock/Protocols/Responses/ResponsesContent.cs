using System.Runtime.InteropServices;
using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>Reads the content of a message or of a tool's output: a string, or parts.</summary>
internal sealed class ResponsesContent(List<OwnField> ownFields)
{
    public List<Part> Read(JsonElement item, string name, string path)
    {
        if (!RequestJson.TryGet(item, name, out var content))
            throw RequestJson.Error("missing_required_parameter", path, $"'{path}' is missing: send a string or a list of content parts.");
        if (content.ValueKind == JsonValueKind.String) return [new TextPart(RequestJson.Text(content)) { Path = path }];
        if (content.ValueKind != JsonValueKind.Array) throw RequestJson.WrongType(path, "a string or a list of content parts", content);
        var parts = new List<Part>();
        foreach (var (part, at) in RequestJson.Objects(item, name, path)) parts.Add(ReadPart(part, at) with { Path = at });
        return parts;
    }

    private Part ReadPart(JsonElement part, string path)
    {
        var type = RequestJson.String(part, "type", $"{path}.type")
            ?? throw RequestJson.Error("missing_required_parameter", $"{path}.type", $"'{path}.type' is missing: say what the part is, such as \"input_text\".");
        switch (type)
        {
            case "input_text" or "output_text" or "text":
                return new TextPart(RequestJson.String(part, "text", $"{path}.text")
                    ?? throw RequestJson.Error("missing_required_parameter", $"{path}.text", $"'{path}.text' is missing: send the text of the part."));
            case "refusal":
                return new TextPart(RequestJson.String(part, "refusal", $"{path}.refusal") ?? "") { IsRefusal = true };
            case "input_image":
                return ReadMedia(part, path, "image_url", new MediaPart(MediaKind.Image) { Detail = RequestJson.String(part, "detail", $"{path}.detail") });
            case "input_file":
                var file = new MediaPart(MediaKind.File) { FileName = RequestJson.String(part, "filename", $"{path}.filename") };
                if (RequestJson.TryGet(part, "file_data", out var data))
                    return data.ValueKind == JsonValueKind.String ? DataUrl.ReadBytes(data, file) : throw RequestJson.WrongType($"{path}.file_data", "a string", data);
                return ReadMedia(part, path, "file_url", file);
            case "input_audio" when RequestJson.TryGet(part, "input_audio", out var audio) && audio.ValueKind == JsonValueKind.Object:
                var format = RequestJson.String(audio, "format", $"{path}.input_audio.format") ?? "wav";
                var bytes = RequestJson.TryGet(audio, "data", out var base64) && base64.ValueKind == JsonValueKind.String
                    ? DataUrl.Base64(JsonMarshal.GetRawUtf8Value(base64)[1..^1])
                    : throw RequestJson.Error("missing_required_parameter", $"{path}.input_audio.data", $"'{path}.input_audio.data' is missing: send the bytes in base64.");
                return new MediaPart(MediaKind.Audio) { Data = bytes, MediaType = format == "mp3" ? "audio/mpeg" : $"audio/{format}" };
            default:
                ownFields.Add(new OwnField($"{path} ({type})", ChangesAnswer: true));
                return new OtherPart();
        }
    }

    private static MediaPart ReadMedia(JsonElement part, string path, string name, MediaPart read)
    {
        if (RequestJson.TryGet(part, name, out var url))
        {
            if (url.ValueKind != JsonValueKind.String) throw RequestJson.WrongType($"{path}.{name}", "a string", url);
            // DataUrl takes a file's text for base64 itself, which a URL is not.
            return RequestJson.Text(url).StartsWith("data:", StringComparison.Ordinal) ? DataUrl.Read(url, read) : read with { Url = RequestJson.Text(url) };
        }

        return RequestJson.String(part, "file_id", $"{path}.file_id") is { } id
            ? read with { FileId = id }
            : throw RequestJson.Error("missing_required_parameter", $"{path}.{name}", $"'{path}.{name}' is missing: send an address, a data: URL, or a 'file_id'.");
    }
}
