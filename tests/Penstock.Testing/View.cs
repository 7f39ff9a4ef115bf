using System.Text.Json.Nodes;

namespace Penstock.Testing;

/// <summary>What a client of each protocol makes of the events that it got.</summary>
public static class View
{
    private static readonly string[] _endings = ["finished", "stopped", "failed", "interrupted"];

    public static JsonNode Json(this SseEvent e) => JsonNode.Parse(e.Data)!;

    /// <summary>A native event's <c>type</c>.</summary>
    public static string Type(this SseEvent e) => (string)e.Json()["type"]!;

    public static bool IsNativeEnding(SseEvent e) => _endings.Contains(e.Type());

    public static bool IsDone(SseEvent e) => e.Data == "[DONE]";

    /// <summary>The last event of a Chat Completions stream: <c>[DONE]</c> or an error.</summary>
    public static bool IsChatEnding(SseEvent e) => IsDone(e) || e.Json()["error"] is not null;

    /// <summary>What the text blocks say; reasoning and arguments are other blocks.</summary>
    public static string NativeText(IEnumerable<SseEvent> events)
    {
        var all = events.Select(e => e.Json()).ToList();
        var blocks = all.Where(e => (string?)e["type"] == "block_start" && (string?)e["kind"] == "text").Select(e => (int)e["block"]!).ToHashSet();
        return string.Concat(all.Where(e => (string?)e["type"] == "delta" && blocks.Contains((int)e["block"]!)).Select(e => (string?)e["text"]));
    }

    public static string ChatText(IEnumerable<SseEvent> events) =>
        string.Concat(events.Where(e => !IsDone(e)).Select(e => (string?)e.Json()["choices"]?.AsArray().FirstOrDefault()?["delta"]?["content"]));

    /// <summary>The text of the <c>event: token</c> frames of <c>GET /chat/stream</c>.</summary>
    public static string TokenText(IEnumerable<SseEvent> events) => string.Concat(events.Where(e => e.Name == "token").Select(e => e.Data));

    /// <summary>An answer as the text endpoints can show it: SSE has one kind of line end only.</summary>
    public static string AsSseText(this string text) =>
        text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');

    /// <summary>The generation that an event id names.</summary>
    public static string Generation(string id) => id.Split('.')[0];

    /// <summary>The place of an event id in its generation, comparable: whole records after their parts.</summary>
    public static (long Offset, int Part) Place(string id)
    {
        var parts = id.Split('.');
        return (long.Parse(parts[1]), parts.Length > 2 ? int.Parse(parts[2]) : int.MaxValue);
    }
}
