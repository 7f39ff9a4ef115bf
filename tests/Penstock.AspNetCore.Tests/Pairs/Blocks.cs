using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Pairs;

/// <summary>What kinds of blocks a client's stream opens, in their order: <c>reasoning</c>, <c>text</c>, <c>call</c>.</summary>
internal static class Blocks
{
    public static IReadOnlyList<string> Of(string client, IEnumerable<SseEvent> events)
    {
        var kinds = new List<string>();
        foreach (var e in events.Where(e => e.Data != "[DONE]").Select(e => e.Json()))
        {
            switch (client)
            {
                case "responses" when e["type"].Str() == "response.output_item.added":
                    kinds.Add(e.At("item", "type").Str() switch { "message" => "text", "function_call" => "call", var other => other });
                    break;
                case "messages" when e["type"].Str() == "content_block_start":
                    kinds.Add(e.At("content_block", "type").Str() switch { "tool_use" => "call", "thinking" => "reasoning", var other => other });
                    break;
                case "chat-completions" when e["choices"].Items().FirstOrDefault() is { } choice:
                    var delta = choice["delta"];
                    if (delta.At("reasoning_content").Str().Length > 0) Once("reasoning");
                    if (delta.At("content").Str().Length > 0) Once("text");
                    foreach (var call in delta.At("tool_calls").Items().Where(c => c["id"] is not null)) kinds.Add("call");
                    break;
                case "gemini":
                    foreach (var part in e["candidates"].Items().SelectMany(c => c.At("content", "parts").Items()))
                    {
                        if (part["functionCall"] is not null) kinds.Add("call");
                        else if (part["text"].Str().Length > 0) Once((bool?)part["thought"] == true ? "reasoning" : "text");
                    }

                    break;
            }
        }

        return kinds;

        void Once(string kind)
        {
            if (kinds.LastOrDefault() != kind) kinds.Add(kind);
        }
    }
}
