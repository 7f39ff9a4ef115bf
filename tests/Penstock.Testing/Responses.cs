using System.Text.Json.Nodes;

namespace Penstock.Testing;

/// <summary>Scripts an upstream that speaks Responses or, where it is asked for one, Chat Completions.</summary>
public static class Responses
{
    /// <summary>Answers as it was asked: in its protocol, streamed or not.</summary>
    public static async Task Play(UpstreamCall call, IReadOnlyList<string> tokens)
    {
        if (!call.Streams)
        {
            await call.Json(200, IsResponses(call) ? Object("completed", string.Concat(tokens)).ToJsonString() : Chat.Whole(string.Concat(tokens), 7, tokens.Count));
            return;
        }

        await Begin(call);
        foreach (var token in tokens) await Text(call, token);
        await End(call, string.Concat(tokens));
    }

    public static async Task Begin(UpstreamCall call)
    {
        if (!IsResponses(call))
        {
            await call.Sse(Chat.Role());
            return;
        }

        var item = new JsonObject { ["id"] = "msg_upstream", ["type"] = "message", ["status"] = "in_progress", ["role"] = "assistant", ["content"] = new JsonArray() };
        await Event(call, "response.created", 0, ("response", Object("in_progress")));
        await Event(call, "response.in_progress", 1, ("response", Object("in_progress")));
        await Event(call, "response.output_item.added", 2, ("output_index", 0), ("item", item));
        await Event(call, "response.content_part.added", 3, ("item_id", "msg_upstream"), ("output_index", 0), ("content_index", 0), ("part", Part("")));
        call.Sequence = 4;
    }

    public static Task Text(UpstreamCall call, string text) => !IsResponses(call)
        ? call.Sse(Chat.Text(text))
        : Event(call, "response.output_text.delta", call.Sequence++, ("item_id", "msg_upstream"), ("output_index", 0), ("content_index", 0), ("delta", text), ("logprobs", new JsonArray()));

    public static async Task End(UpstreamCall call, string text = "")
    {
        if (!IsResponses(call))
        {
            await call.Sse([Chat.Finish(), Chat.Usage(7, 2), "[DONE]"]);
            return;
        }

        await Event(call, "response.output_text.done", call.Sequence++, ("item_id", "msg_upstream"), ("output_index", 0), ("content_index", 0), ("text", text));
        await Event(call, "response.content_part.done", call.Sequence++, ("item_id", "msg_upstream"), ("output_index", 0), ("content_index", 0), ("part", Part(text)));
        await Event(call, "response.output_item.done", call.Sequence++, ("output_index", 0), ("item", Message(text)));
        await Event(call, "response.completed", call.Sequence++, ("response", Object("completed", text)));
    }

    /// <summary>A response object, whole where it has a text.</summary>
    public static JsonObject Object(string status, string? text = null) => new()
    {
        ["id"] = "resp_upstream",
        ["object"] = "response",
        ["created_at"] = 1700000000,
        ["status"] = status,
        ["background"] = false,
        ["error"] = null,
        ["incomplete_details"] = null,
        ["model"] = "scripted-1",
        ["output"] = text is null ? [] : new JsonArray(Message(text)),
        ["previous_response_id"] = null,
        ["usage"] = text is null ? null : JsonNode.Parse("""{"input_tokens":7,"input_tokens_details":{"cached_tokens":0},"output_tokens":2,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":9}"""),
    };

    private static JsonObject Message(string text) =>
        new() { ["id"] = "msg_upstream", ["type"] = "message", ["status"] = "completed", ["role"] = "assistant", ["content"] = new JsonArray(Part(text)) };

    private static JsonObject Part(string text) => new() { ["type"] = "output_text", ["text"] = text, ["annotations"] = new JsonArray(), ["logprobs"] = new JsonArray() };

    private static Task Event(UpstreamCall call, string type, int number, params (string Name, JsonNode? Value)[] members)
    {
        var json = new JsonObject { ["type"] = type, ["sequence_number"] = number };
        foreach (var (name, value) in members) json[name] = value;
        return call.Write($"event: {type}\ndata: {json.ToJsonString()}\n\n");
    }

    private static bool IsResponses(UpstreamCall call) => call.Path.EndsWith("/responses", StringComparison.Ordinal);
}
