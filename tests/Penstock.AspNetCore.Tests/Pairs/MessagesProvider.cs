using System.Text.Json.Nodes;
using static Penstock.AspNetCore.Tests.Pairs.Js;

namespace Penstock.AspNetCore.Tests.Pairs;

/// <summary>Messages as Anthropic says it.</summary>
internal sealed class MessagesProvider : ProviderWire
{
    public override string Name => "messages";

    public override string Recordings => "anthropic";

    public override string Frames(IEnumerable<string> payloads) => NamedFrames(payloads);

    public override IEnumerable<string> Stream(Answer answer)
    {
        var usage = answer.Usage is null ? """{"input_tokens":0,"output_tokens":0}""" : UsageOf(answer.Usage with { Output = Math.Min(1, answer.Usage.Output) });
        yield return $$$"""{"type":"message_start","message":{"id":"msg_up","type":"message","role":"assistant","model":"scripted-1","content":[],"stop_reason":null,"stop_sequence":null,"usage":{{{usage}}}}}""";
        yield return """{"type":"ping"}""";
        var index = 0;
        foreach (var block in Content(answer))
        {
            foreach (var payload in BlockEvents(block, index)) yield return payload;
            index++;
        }

        yield return $$$"""{"type":"message_delta","delta":{"stop_reason":"{{{StopReason(answer.Stop)}}}","stop_sequence":null},"usage":{{{UsageOf(answer.Usage ?? new(0, 0))}}}}""";
        yield return """{"type":"message_stop"}""";
    }

    public override string Whole(Answer answer)
    {
        var usage = answer.Usage is { } u ? UsageOf(u) : """{"input_tokens":0,"output_tokens":0}""";
        return $$"""{"id":"msg_up","type":"message","role":"assistant","model":"scripted-1","content":{{new JsonArray([.. Content(answer)]).ToJsonString()}},"stop_reason":"{{StopReason(answer.Stop)}}","stop_sequence":null,"usage":{{usage}}}""";
    }

    public override string ErrorBody(int status, string message) =>
        $$$"""{"type":"error","error":{"type":"{{{(status == 429 ? "rate_limit_error" : "some_error")}}}","message":{{{Q(message)}}}},"request_id":"req_up"}""";

    public override IEnumerable<string> StreamError(string message) =>
        [$$$"""{"type":"error","error":{"type":"overloaded_error","message":{{{Q(message)}}}},"request_id":"req_up"}"""];

    public override Ask ReadRequest(JsonNode body)
    {
        var turns = new List<Turn>();
        var names = new Dictionary<string, string>();
        foreach (var message in body["messages"].Items())
        {
            if (message["role"].Str() == "assistant")
            {
                var said = MessagesClient.ReadContent(message["content"]);
                foreach (var call in said.Calls) names[call.Id] = call.Name;
                turns.Add(new AssistantTurn(said));
                continue;
            }

            var blocks = message["content"].Items().ToList();
            foreach (var result in blocks.Where(b => b["type"].Str() == "tool_result"))
                turns.Add(new ResultTurn(result["tool_use_id"].Str(), names[result["tool_use_id"].Str()], TextOf(result["content"])));
            var image = blocks.FirstOrDefault(b => b["type"].Str() == "image");
            var text = TextOf(message["content"]);
            if (text.Length > 0 || image is not null) turns.Add(new UserTurn(text) { Image = (image.At("source", "data") ?? image.At("source", "url")).StrOrNull() });
        }

        return new Ask
        {
            Model = body["model"].Str(),
            System = TextOf(body["system"]),
            Turns = turns,
            Tools = [.. body["tools"].Items().Select(t => t["name"].Str())],
            Structured = Canonical(body.At("output_format", "schema") ?? body.At("output_config", "format", "schema")) == Canonical(JsonNode.Parse(Ask.CitySchema)),
        };
    }

    /// <summary>The content blocks that an answer has.</summary>
    internal static IEnumerable<JsonNode> Content(Answer answer)
    {
        if (answer.Redacted is { } redacted) yield return new JsonObject { ["type"] = "redacted_thinking", ["data"] = redacted };
        if (answer.Reasoning.Length > 0 || answer.ReasoningSignature is not null) yield return new JsonObject { ["type"] = "thinking", ["thinking"] = answer.Reasoning, ["signature"] = answer.ReasoningSignature ?? "" };
        if (answer.Text.Length > 0)
        {
            var text = new JsonObject { ["type"] = "text", ["text"] = answer.Text };
            if (answer.Sources.Count > 0)
                text["citations"] = new JsonArray([.. answer.Sources.Select(url => JsonNode.Parse($$"""{"type":"web_search_result_location","url":{{Q(url)}},"title":"A title","cited_text":"Words.","encrypted_index":"abc"}"""))]);
            yield return text;
        }

        foreach (var call in answer.Calls)
            yield return new JsonObject { ["type"] = "tool_use", ["id"] = call.Id, ["name"] = call.Name, ["input"] = JsonNode.Parse(call.Arguments.Length == 0 ? "{}" : call.Arguments) };
    }

    private static IEnumerable<string> BlockEvents(JsonNode block, int index)
    {
        string Delta(string type, string name, string json) => $$$"""{"type":"content_block_delta","index":{{{index}}},"delta":{"type":"{{{type}}}","{{{name}}}":{{{json}}}}}""";
        var begun = block.DeepClone().AsObject();
        foreach (var name in new[] { "thinking", "signature", "text" })
        {
            if (begun.ContainsKey(name)) begun[name] = "";
        }

        begun.Remove("citations");
        if (begun.ContainsKey("input")) begun["input"] = new JsonObject();
        yield return $$"""{"type":"content_block_start","index":{{index}},"content_block":{{begun.ToJsonString()}}}""";
        foreach (var piece in Words(block["thinking"].Str())) yield return Delta("thinking_delta", "thinking", Q(piece));
        if (block["signature"].Str() is { Length: > 0 } signature) yield return Delta("signature_delta", "signature", Q(signature));
        foreach (var citation in block["citations"].Items()) yield return Delta("citations_delta", "citation", citation.ToJsonString());
        foreach (var piece in Words(block["text"].Str())) yield return Delta("text_delta", "text", Q(piece));
        if (block["input"] is JsonObject input)
        {
            yield return Delta("input_json_delta", "partial_json", "\"\"");
            if (input.Count > 0)
            {
                foreach (var piece in Pieces(input.ToJsonString())) yield return Delta("input_json_delta", "partial_json", Q(piece));
            }
        }

        yield return $$"""{"type":"content_block_stop","index":{{index}}}""";
    }

    private static string StopReason(string? stop) => stop switch { "length" => "max_tokens", "calls" => "tool_use", "filter" => "refusal", _ => "end_turn" };

    // Input counts the uncached only here.
    private static string UsageOf(Tokens usage) =>
        $$"""{"input_tokens":{{usage.Input - usage.Cached - usage.CacheWrite}},"cache_creation_input_tokens":{{usage.CacheWrite}},"cache_read_input_tokens":{{usage.Cached}},"output_tokens":{{usage.Output}}}""";

    private static string TextOf(JsonNode? content) =>
        content is JsonArray blocks ? string.Concat(blocks.Where(b => b!["type"].Str() == "text").Select(b => b!["text"].Str())) : content.Str();
}
