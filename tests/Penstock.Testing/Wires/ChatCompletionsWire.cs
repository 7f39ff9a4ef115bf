using System.Text.Json.Nodes;

namespace Penstock.Testing.Wires;

public sealed class ChatCompletionsWire : Wire
{
    public override string Protocol => "chat-completions";

    public override IReadOnlyList<WireResult> ToolResults(JsonNode request)
    {
        var messages = Items(request["messages"]).ToList();
        var names = messages.SelectMany(m => Items(m["tool_calls"])).ToDictionary(c => (string)c["id"]!, c => (string)c["function"]!["name"]!);
        return [.. messages.Where(m => (string?)m["role"] == "tool").Select(m => new WireResult(names[(string)m["tool_call_id"]!], Text(m["content"])))];
    }

    public override IReadOnlyList<string> Signatures(JsonNode request) =>
        [.. Items(request["messages"]).SelectMany(m => Items(m["reasoning_details"])).Select(d => (string?)d["signature"] ?? (string?)d["data"]).OfType<string>()];

    public override IReadOnlyList<string> Tools(JsonNode request) => [.. Items(request["tools"]).Select(t => (string)t["function"]!["name"]!)];

    public override JsonNode? Schema(JsonNode request) => request["response_format"]?["json_schema"]?["schema"];

    public override IEnumerable<string> Frames(WireAnswer answer)
    {
        yield return Sse(Chat.Role());
        foreach (var piece in answer.Reasoning) yield return Sse(Chat.Reasoning(piece));
        if (answer.Signature is { } signature)
        {
            yield return Sse(Chat.Chunk(new JsonObject
            {
                ["reasoning_details"] = new JsonArray(new JsonObject { ["type"] = "reasoning.text", ["text"] = "", ["signature"] = signature }),
            }));
        }

        foreach (var piece in answer.Text) yield return Sse(Chat.Text(piece));
        if (answer.IsCut) yield break;
        for (var i = 0; i < answer.Calls.Count; i++)
        {
            yield return Sse(Chat.ToolCall(i, answer.Calls[i].Id, answer.Calls[i].Name));
            foreach (var piece in Pieces(Arguments(answer.Calls[i]))) yield return Sse(Chat.Arguments(i, piece));
        }

        yield return Sse(Chat.Finish(FinishReason(answer)));
        yield return $"data: {{\"id\":\"chatcmpl-upstream\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"scripted-1\",\"choices\":[],\"usage\":{Usage(answer).ToJsonString()}}}\n\n";
        yield return Sse("[DONE]");
    }

    public override JsonNode Document(WireAnswer answer)
    {
        var message = new JsonObject { ["role"] = "assistant", ["content"] = answer.Text.Any() ? string.Concat(answer.Text) : null };
        if (answer.Reasoning.Count > 0) message["reasoning_content"] = string.Concat(answer.Reasoning);
        if (answer.Signature is { } signature)
            message["reasoning_details"] = new JsonArray(new JsonObject { ["type"] = "reasoning.text", ["text"] = string.Concat(answer.Reasoning), ["signature"] = signature });
        if (answer.Calls.Count > 0)
        {
            message["tool_calls"] = new JsonArray([.. answer.Calls.Select(c => new JsonObject
            {
                ["id"] = c.Id,
                ["type"] = "function",
                ["function"] = new JsonObject { ["name"] = c.Name, ["arguments"] = Arguments(c) },
            })]);
        }

        return new JsonObject
        {
            ["id"] = "chatcmpl-upstream",
            ["object"] = "chat.completion",
            ["created"] = 1700000000,
            ["model"] = "scripted-1",
            ["choices"] = new JsonArray(new JsonObject { ["index"] = 0, ["message"] = message, ["finish_reason"] = FinishReason(answer) }),
            ["usage"] = Usage(answer),
        };
    }

    public override JsonNode Error(int status, string message) => JsonNode.Parse(Chat.Error(message))!;

    private static string Sse(string data) => $"data: {data}\n\n";

    private static string FinishReason(WireAnswer answer) => answer.IsTooLong ? "length" : answer.Calls.Count > 0 ? "tool_calls" : "stop";

    private static string Arguments(WireCall call) => call.Arguments.Length == 0 ? "{}" : call.Arguments;

    private static JsonObject Usage(WireAnswer answer) => new()
    {
        ["prompt_tokens"] = WireAnswer.InputTokens,
        ["completion_tokens"] = answer.OutputTokens,
        ["total_tokens"] = WireAnswer.InputTokens + answer.OutputTokens,
        ["prompt_tokens_details"] = new JsonObject { ["cached_tokens"] = WireAnswer.CachedTokens },
        ["completion_tokens_details"] = new JsonObject { ["reasoning_tokens"] = answer.Reasoning.Count },
    };
}
