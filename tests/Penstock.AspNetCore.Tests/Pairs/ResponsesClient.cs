using System.Text.Json.Nodes;
using Penstock.Testing;
using static Penstock.AspNetCore.Tests.Pairs.Js;

namespace Penstock.AspNetCore.Tests.Pairs;

/// <summary>A client of Responses.</summary>
internal sealed class ResponsesClient : ClientWire
{
    public override string Name => "responses";

    public override string Path(Ask ask) => "v1/responses";

    public override JsonObject Body(Ask ask)
    {
        var input = new JsonArray();
        foreach (var turn in ask.Turns)
        {
            foreach (var item in Items(turn)) input.Add(item.DeepClone());
        }

        var body = new JsonObject { ["model"] = ask.Model, ["input"] = input, ["include"] = new JsonArray("reasoning.encrypted_content"), ["store"] = false };
        if (ask.Stream) body["stream"] = true;
        if (ask.System.Length > 0) body["instructions"] = ask.System;
        if (ask.Tools.Count > 0)
            body["tools"] = new JsonArray([.. ask.Tools.Select(t => J($$"""{"type":"function","name":{{Q(t)}},"description":"A tool.","parameters":{{Ask.CitySchema}},"strict":false}"""))]);
        if (ask.Structured) body["text"] = J($$$"""{"format":{"type":"json_schema","name":"city","strict":true,"schema":{{{Ask.CitySchema}}}}}""");
        return body;
    }

    public override Answer ReadStream(IReadOnlyList<SseEvent> events, bool strict = true) => new ResponsesReading(strict).Read(events);

    public override Answer ReadWhole(JsonNode body)
    {
        body["object"].Str().ShouldBe("response");
        body["id"].Str().ShouldStartWith("resp_");
        return ReadResponse(body);
    }

    public override string ReadError(int status, JsonNode body) => new ChatClient().ReadError(status, body);

    /// <summary>What a whole response says.</summary>
    public static Answer ReadResponse(JsonNode response)
    {
        var answer = new Answer { Stop = null, Raw = response["output"] as JsonArray, Usage = response["usage"] is JsonObject u ? ReadUsage(u) : null };
        foreach (var item in response["output"].Items()) answer = AddItem(answer, item);
        return answer with { Stop = StopOf(response, answer.Calls.Count > 0) };
    }

    /// <summary>Adds what an item of <c>output</c> or <c>input</c> says.</summary>
    public static Answer AddItem(Answer answer, JsonNode item)
    {
        switch (item["type"].StrOrNull() ?? "message")
        {
            case "reasoning":
                var text = string.Concat(item["summary"].Items().Concat(item["content"].Items()).Select(p => p["text"].Str()));
                var encrypted = item["encrypted_content"].StrOrNull();
                return text.Length == 0 && encrypted is not null
                    ? answer with { Redacted = encrypted }
                    : answer with { Reasoning = answer.Reasoning + text, ReasoningSignature = encrypted ?? answer.ReasoningSignature };
            case "message":
                var parts = item["content"].Items().ToList();
                return answer with
                {
                    Text = answer.Text + item["content"].Str() + string.Concat(parts.Where(p => p["type"].Str() != "refusal").Select(p => p["text"].Str())),
                    Refusal = answer.Refusal + string.Concat(parts.Select(p => p["refusal"].Str())),
                    Sources = [.. answer.Sources, .. parts.SelectMany(p => p["annotations"].Items()).Where(a => a["type"].Str() == "url_citation").Select(a => a["url"].Str())],
                };
            case "function_call":
                var call = new Call(item["call_id"].Str(), item["name"].Str(), item["arguments"].Str())
                {
                    Signature = item.At("extra_content", "google", "thought_signature").StrOrNull(), // Penstock's own
                };
                return answer with { Calls = [.. answer.Calls, call] };
            case "custom_tool_call":
                return answer with { Calls = [.. answer.Calls, new Call(item["call_id"].Str(), item["name"].Str(), item["input"].Str())] };
            case "mcp_call":
                var failed = item["status"].Str() == "failed";
                var server = new ServerCall(item["server_label"].Str(), item["name"].Str(), item["arguments"].Str(), (failed ? item["error"] : item["output"]).Str(), failed);
                return answer with { ServerCalls = [.. answer.ServerCalls, server] };
            case "image_generation_call":
                return answer with { Image = item["result"].Str() };
            default:
                return answer;
        }
    }

    public static string? StopOf(JsonNode response, bool calls) => response["status"].Str() switch
    {
        "completed" => calls ? "calls" : "stop",
        "incomplete" => response.At("incomplete_details", "reason").Str() switch { "max_output_tokens" => "length", "content_filter" => "filter", var other => other },
        _ => null,
    };

    public static Tokens ReadUsage(JsonNode usage) => new(usage["input_tokens"].Num(), usage["output_tokens"].Num())
    {
        Cached = usage.At("input_tokens_details", "cached_tokens").Num(),
        Reasoning = usage.At("output_tokens_details", "reasoning_tokens").Num(),
    };

    private static IEnumerable<JsonNode> Items(Turn turn)
    {
        switch (turn)
        {
            case UserTurn user:
                var content = new JsonArray(J($$"""{"type":"input_text","text":{{Q(user.Text)}}}"""));
                if (user.Image is { } image)
                {
                    var url = image.StartsWith("http", StringComparison.Ordinal) ? image : $"data:image/png;base64,{image}";
                    content.Add(new JsonObject { ["type"] = "input_image", ["image_url"] = url });
                }

                return [new JsonObject { ["type"] = "message", ["role"] = "user", ["content"] = content }];
            case ResultTurn result:
                return [new JsonObject { ["type"] = "function_call_output", ["call_id"] = result.Id, ["output"] = result.Output }];
            case AssistantTurn { Said: var said }:
                return said.Raw?.Select(i => i!) ?? ResponsesProvider.Items(said);
            default:
                throw new NotSupportedException();
        }
    }
}
