using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Penstock.Protocols;

/// <summary>Takes <c>data:</c> URLs apart, and puts them together: some protocols carry bytes so, others bare.</summary>
internal static class DataUrl
{
    /// <summary>Puts a URL into a part: what it holds if it is a <c>data:</c> URL in base64, else the address.</summary>
    public static MediaPart Read(JsonElement url, MediaPart part)
    {
        var raw = JsonMarshal.GetRawUtf8Value(url)[1..^1];
        var comma = raw.IndexOf((byte)',');
        if (!raw.StartsWith("data:"u8) || comma < 0 || !raw[..comma].EndsWith(";base64"u8)) return part with { Url = RequestJson.Text(url) };
        var head = Encoding.UTF8.GetString(Base64(raw["data:".Length..comma]));
        var mediaType = head[..^";base64".Length].Split(';')[0];
        return part with { Data = Base64(raw[(comma + 1)..]), MediaType = mediaType.Length == 0 ? null : mediaType };
    }

    /// <summary>Puts bytes into a part: a <c>data:</c> URL, or base64 alone.</summary>
    public static MediaPart ReadBytes(JsonElement data, MediaPart part)
    {
        var raw = JsonMarshal.GetRawUtf8Value(data)[1..^1];
        return raw.StartsWith("data:"u8) ? Read(data, part) : part with { Data = Base64(raw) };
    }

    /// <summary>The <c>data:</c> URL of a part's bytes.</summary>
    public static string Write(MediaPart part, string defaultType) =>
        $"data:{part.MediaType ?? defaultType};base64,{Encoding.ASCII.GetString(part.Data.Span)}";

    /// <summary>Base64 out of the inside of a JSON string, in which a slash may be escaped.</summary>
    public static byte[] Base64(ReadOnlySpan<byte> escaped) =>
        escaped.Contains((byte)'\\') ? Encoding.UTF8.GetBytes(JsonText.ToText(escaped)) : escaped.ToArray();
}
