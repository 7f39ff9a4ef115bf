using System.Text.Json.Nodes;

namespace Penstock.Testing.Wires;

public sealed class MessagesWire : Wire
{
    public override string Protocol => "messages";

    public override IReadOnlyList<WireResult> ToolResults(JsonNode request)
    {
        var blocks = Items(request["messages"]).SelectMany(m => Items(m["content"])).ToList();
        var names = blocks.Where(b => (string?)b["type"] == "tool_use").ToDictionary(b => (string)b["id"]!, b => (string)b["name"]!);
        return [.. blocks.Where(b => (string?)b["type"] == "tool_result").Select(b => new WireResult(names[(string)b["tool_use_id"]!], Text(b["content"])))];
    }

    public override IReadOnlyList<string> Signatures(JsonNode request) =>
        [.. Items(request["messages"]).SelectMany(m => Items(m["content"])).Where(b => (string?)b["type"] == "thinking").Select(b => (string?)b["signature"]).OfType<string>()];

    public override IReadOnlyList<string> Tools(JsonNode request) => [.. Items(request["tools"]).Select(t => (string)t["name"]!)];

    public override JsonNode? Schema(JsonNode request) => request["output_config"]?["format"]?["schema"] ?? request["output_format"]?["schema"];

    public override JsonNode? Other(UpstreamCall call) =>
        call.Path.EndsWith("/count_tokens", StringComparison.Ordinal) ? new JsonObject { ["input_tokens"] = 42 } : null;

    public override IEnumerable<string> Frames(WireAnswer answer)
    {
        var start = (JsonObject)Document(new WireAnswer());
        start["stop_reason"] = null;
        yield return NamedFrame(new JsonObject { ["type"] = "message_start", ["message"] = start });
        yield return NamedFrame(new JsonObject { ["type"] = "ping" });
        var index = 0;
        if (answer.Reasoning.Count > 0)
        {
            yield return BlockStart(index, new JsonObject { ["type"] = "thinking", ["thinking"] = "", ["signature"] = "" });
            foreach (var piece in answer.Reasoning) yield return Delta(index, new JsonObject { ["type"] = "thinking_delta", ["thinking"] = piece });
            if (answer.Signature is { } signature) yield return Delta(index, new JsonObject { ["type"] = "signature_delta", ["signature"] = signature });
            yield return BlockStop(index++);
        }

        if (answer.Text.Any())
        {
            yield return BlockStart(index, new JsonObject { ["type"] = "text", ["text"] = "" });
            foreach (var piece in answer.Text) yield return Delta(index, new JsonObject { ["type"] = "text_delta", ["text"] = piece });
            if (answer.IsCut) yield break;
            yield return BlockStop(index++);
        }

        foreach (var call in answer.Calls)
        {
            yield return BlockStart(index, new JsonObject { ["type"] = "tool_use", ["id"] = call.Id, ["name"] = call.Name, ["input"] = new JsonObject(), ["caller"] = Direct() });
            yield return Delta(index, new JsonObject { ["type"] = "input_json_delta", ["partial_json"] = "" });
            foreach (var piece in Pieces(call.Arguments)) yield return Delta(index, new JsonObject { ["type"] = "input_json_delta", ["partial_json"] = piece });
            yield return BlockStop(index++);
        }

        yield return NamedFrame(new JsonObject
        {
            ["type"] = "message_delta",
            ["delta"] = new JsonObject { ["stop_reason"] = StopReason(answer), ["stop_sequence"] = null },
            ["usage"] = new JsonObject { ["output_tokens"] = answer.OutputTokens },
        });
        yield return NamedFrame(new JsonObject { ["type"] = "message_stop" });
    }

    public override JsonNode Document(WireAnswer answer)
    {
        var content = new JsonArray();
        if (answer.Reasoning.Count > 0)
            content.Add(new JsonObject { ["type"] = "thinking", ["thinking"] = string.Concat(answer.Reasoning), ["signature"] = answer.Signature ?? "" });
        if (answer.Text.Any()) content.Add(new JsonObject { ["type"] = "text", ["text"] = string.Concat(answer.Text) });
        foreach (var call in answer.Calls)
        {
            var input = JsonNode.Parse(call.Arguments.Length == 0 ? "{}" : call.Arguments);
            content.Add(new JsonObject { ["type"] = "tool_use", ["id"] = call.Id, ["name"] = call.Name, ["input"] = input, ["caller"] = Direct() });
        }

        return new JsonObject
        {
            ["id"] = "msg_upstream",
            ["type"] = "message",
            ["role"] = "assistant",
            ["model"] = "scripted-1",
            ["content"] = content,
            ["stop_reason"] = StopReason(answer),
            ["stop_sequence"] = null,
            ["usage"] = new JsonObject
            {
                ["input_tokens"] = WireAnswer.InputTokens - WireAnswer.CachedTokens, // without what was cached, in this protocol
                ["cache_creation_input_tokens"] = 0,
                ["cache_read_input_tokens"] = WireAnswer.CachedTokens,
                ["output_tokens"] = answer.OutputTokens,
            },
        };
    }

    public override JsonNode Error(int status, string message) => new JsonObject
    {
        ["type"] = "error",
        ["error"] = new JsonObject { ["type"] = status switch { 401 => "authentication_error", 429 => "rate_limit_error", _ => "api_error" }, ["message"] = message },
        ["request_id"] = "req_upstream",
    };

    public override string ErrorFrame(string message) => NamedFrame(Error(500, message));

    private static string StopReason(WireAnswer answer) => answer.IsTooLong ? "max_tokens" : answer.Calls.Count > 0 ? "tool_use" : "end_turn";

    private static JsonObject Direct() => new() { ["type"] = "direct" };

    private static string BlockStart(int index, JsonObject block) =>
        NamedFrame(new JsonObject { ["type"] = "content_block_start", ["index"] = index, ["content_block"] = block });

    private static string Delta(int index, JsonObject delta) =>
        NamedFrame(new JsonObject { ["type"] = "content_block_delta", ["index"] = index, ["delta"] = delta });

    private static string BlockStop(int index) => NamedFrame(new JsonObject { ["type"] = "content_block_stop", ["index"] = index });
}
