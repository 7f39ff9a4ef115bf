using System.Text.Json.Nodes;

namespace Penstock.Testing;

/// <summary>The payloads of a Chat Completions stream, for scripted upstreams.</summary>
public static class Chat
{
    public static string Role() => Chunk(new JsonObject { ["role"] = "assistant", ["content"] = "" });

    public static string Text(string text) => Chunk(new JsonObject { ["content"] = text });

    public static string Reasoning(string text) => Chunk(new JsonObject { ["reasoning_content"] = text });

    public static string ToolCall(int index, string id, string name, string arguments = "") => Chunk(new JsonObject
    {
        ["tool_calls"] = new JsonArray(new JsonObject
        {
            ["index"] = index,
            ["id"] = id,
            ["type"] = "function",
            ["function"] = new JsonObject { ["name"] = name, ["arguments"] = arguments },
        }),
    });

    public static string Arguments(int index, string arguments) => Chunk(new JsonObject
    {
        ["tool_calls"] = new JsonArray(new JsonObject { ["index"] = index, ["function"] = new JsonObject { ["arguments"] = arguments } }),
    });

    public static string Finish(string reason = "stop") => Chunk([], reason);

    public static string Usage(int input, int output) => new JsonObject
    {
        ["id"] = "chatcmpl-upstream",
        ["object"] = "chat.completion.chunk",
        ["created"] = 1700000000,
        ["model"] = "scripted-1",
        ["choices"] = new JsonArray(),
        ["usage"] = new JsonObject { ["prompt_tokens"] = input, ["completion_tokens"] = output, ["total_tokens"] = input + output },
    }.ToJsonString();

    public static string Error(string message, string type = "server_error", string? code = null) => new JsonObject
    {
        ["error"] = new JsonObject { ["message"] = message, ["type"] = type, ["param"] = null, ["code"] = code },
    }.ToJsonString();

    public static string Chunk(JsonObject delta, string? finish = null) => new JsonObject
    {
        ["id"] = "chatcmpl-upstream",
        ["object"] = "chat.completion.chunk",
        ["created"] = 1700000000,
        ["model"] = "scripted-1",
        ["choices"] = new JsonArray(new JsonObject { ["index"] = 0, ["delta"] = delta, ["finish_reason"] = finish }),
    }.ToJsonString();

    /// <summary>An answer that is not streamed.</summary>
    public static string Whole(string text, int input, int output) => new JsonObject
    {
        ["id"] = "chatcmpl-upstream",
        ["object"] = "chat.completion",
        ["created"] = 1700000000,
        ["model"] = "scripted-1",
        ["choices"] = new JsonArray(new JsonObject
        {
            ["index"] = 0,
            ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = text },
            ["finish_reason"] = "stop",
        }),
        ["usage"] = new JsonObject { ["prompt_tokens"] = input, ["completion_tokens"] = output, ["total_tokens"] = input + output },
    }.ToJsonString();

    /// <summary>The whole stream of an answer, without <c>[DONE]</c>.</summary>
    public static IEnumerable<string> Answer(IEnumerable<string> tokens, int input = 7) =>
        [Role(), .. tokens.Select(Text), Finish(), Usage(input, tokens.Count())];
}
