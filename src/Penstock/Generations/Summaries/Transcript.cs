using System.Text;
using Penstock.Protocols;

namespace Penstock.Generations.Summaries;

/// <summary>A part of a conversation as text, for a model that is to sum it up and not to go on with it.</summary>
internal static class Transcript
{
    private const string Gap = " […] ";

    /// <summary>What was said from one message up to another; instructions stay as they are elsewhere.</summary>
    public static string Of(IReadOnlyList<Message> messages, int from, int to)
    {
        var text = new StringBuilder();
        foreach (var message in messages.Skip(from).Take(to - from))
        {
            if (message.Role is Role.System or Role.Developer) continue;
            foreach (var part in message.Parts)
            {
                var tag = part is ToolResultPart ? "result" : message.Role == Role.Assistant ? "assistant" : "user";
                if (Of(part) is { Length: > 0 } said) text.Append('<').Append(tag).Append('>').Append(said).Append("</").Append(tag).Append(">\n");
            }
        }

        return text.ToString();
    }

    /// <summary>The beginning and the end of a text, where all of it has more bytes of UTF-8 than there may be.</summary>
    public static string Clip(string text, int bytes)
    {
        var all = Encoding.UTF8.GetByteCount(text);
        if (all <= bytes) return text;
        // As many characters as have so many bytes here, which is right where they are alike.
        var half = (int)((long)text.Length * Math.Max(0, bytes - Encoding.UTF8.GetByteCount(Gap)) / all / 2);
        var (head, tail) = (half, text.Length - half);
        if (head > 0 && char.IsHighSurrogate(text[head - 1])) head--;
        if (tail < text.Length && char.IsLowSurrogate(text[tail])) tail++;
        return string.Concat(text.AsSpan(0, head), Gap, text.AsSpan(tail));
    }

    private static string? Of(Part part) => part switch
    {
        TextPart text => text.Text,
        MediaPart media => $"[{media.Kind.ToString().ToLowerInvariant()} {media.FileName}]",
        ToolCallPart call => $"[calls {call.Name}({call.Arguments})]",
        ToolResultPart result => string.Concat(result.Content.Select(Of)),
        _ => null,
    };
}
