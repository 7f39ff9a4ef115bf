using System.Text.Json;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>Reads the images that a model made, as OpenRouter gives them: <c>"images":[{"type":"image_url","image_url":{"url":"data:…"}}]</c>.</summary>
internal static class ChatImages
{
    public static void Take(ReadOnlySpan<byte> images, ChatChoice choice, IEventSink sink)
    {
        var reader = new Utf8JsonReader(images);
        using var document = JsonDocument.ParseValue(ref reader);
        foreach (var image in document.RootElement.EnumerateArray())
        {
            if (image.ValueKind != JsonValueKind.Object || !RequestJson.TryGet(image, "image_url", out var inner) || inner.ValueKind != JsonValueKind.Object) continue;
            if (!RequestJson.TryGet(inner, "url", out var url) || url.ValueKind != JsonValueKind.String) continue;
            var part = DataUrl.Read(url, new MediaPart(MediaKind.Image));
            if (part.Data.IsEmpty) continue; // an address: only this protocol can say it
            choice.AddWhole(BlockKind.Image, part.MediaType, new GenerationEvent { Kind = EventKind.Delta, Text = part.Data.Span }, sink);
        }
    }
}
