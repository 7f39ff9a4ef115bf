using System.Text;
using System.Text.Json.Nodes;
using Penstock.Testing;
using static Penstock.AspNetCore.Tests.Pairs.Js;

namespace Penstock.AspNetCore.Tests.Pairs;

/// <summary>A client of Messages.</summary>
internal sealed class MessagesClient : ClientWire
{
    public override string Name => "messages";

    public override string Path(Ask ask) => "v1/messages";

    public override JsonObject Body(Ask ask)
    {
        var messages = new JsonArray();
        foreach (var turn in ask.Turns)
        {
            var (role, content) = Message(turn);
            // All results of a turn stand in one message.
            if (role == "user" && messages.LastOrDefault() is JsonObject last && last["role"].Str() == "user")
            {
                foreach (var block in content) last["content"]!.AsArray().Add(block.DeepClone());
            }
            else
            {
                messages.Add(new JsonObject { ["role"] = role, ["content"] = new JsonArray([.. content]) });
            }
        }

        var body = new JsonObject { ["model"] = ask.Model, ["max_tokens"] = 1000, ["messages"] = messages };
        if (ask.Stream) body["stream"] = true;
        if (ask.System.Length > 0) body["system"] = ask.System;
        if (ask.Tools.Count > 0)
            body["tools"] = new JsonArray([.. ask.Tools.Select(t => J($$"""{"name":{{Q(t)}},"description":"A tool.","input_schema":{{Ask.CitySchema}}}"""))]);
        if (ask.Structured) body["output_config"] = J($$$"""{"format":{"type":"json_schema","schema":{{{Ask.CitySchema}}}}}""");
        return body;
    }

    public override Answer ReadStream(IReadOnlyList<SseEvent> events, bool strict = true)
    {
        var answer = new Answer { Stop = null, Complete = false };
        var blocks = new JsonArray();
        var json = new StringBuilder();
        JsonObject? open = null, usage = null;
        var ended = false;
        for (var i = 0; i < events.Count; i++)
        {
            var e = events[i].Json();
            var type = e["type"].Str();
            if (strict)
            {
                events[i].Name.ShouldBe(type);
                ended.ShouldBeFalse($"after the end: {events[i].Data}");
                if (i == 0) type.ShouldBeOneOf("message_start", "error", "ping");
            }

            switch (type)
            {
                case "message_start":
                    if (strict)
                    {
                        usage.ShouldBeNull("a second message_start");
                        Canonical(e.At("message", "content")).ShouldBe("[]");
                        e.At("message", "id").Str().ShouldStartWith("msg_");
                        e.At("message", "type").Str().ShouldBe("message");
                        e.At("message", "role").Str().ShouldBe("assistant");
                        e.At("message", "model").Str().ShouldNotBeEmpty();
                        e.At("message", "stop_reason").ShouldBeNull();
                        e.At("message", "usage", "input_tokens").ShouldNotBeNull();
                        e.At("message", "usage", "output_tokens").ShouldNotBeNull();
                    }

                    usage = e.At("message", "usage")!.DeepClone().AsObject();
                    break;
                case "content_block_start":
                    if (strict)
                    {
                        open.ShouldBeNull("a block inside a block");
                        answer.Stop.ShouldBeNull("a block after message_delta");
                        e["index"].Num().ShouldBe(blocks.Count);
                        if (e.At("content_block", "type").Str() == "tool_use") Canonical(e.At("content_block", "input")).ShouldBe("{}");
                    }

                    open = e["content_block"]!.DeepClone().AsObject();
                    json.Clear();
                    break;
                case "content_block_delta":
                    if (strict)
                    {
                        open.ShouldNotBeNull("a delta outside of a block");
                        e["index"].Num().ShouldBe(blocks.Count);
                    }

                    Add(open!, e["delta"]!, json, strict);
                    break;
                case "content_block_stop":
                    if (strict)
                    {
                        open.ShouldNotBeNull();
                        e["index"].Num().ShouldBe(blocks.Count);
                    }

                    if (json.Length > 0) open!["input"] = JsonNode.Parse(json.ToString());
                    if (open!["input"] is { } input && strict) input.ShouldBeOfType<JsonObject>();
                    blocks.Add(open);
                    open = null;
                    break;
                case "message_delta":
                    if (strict)
                    {
                        open.ShouldBeNull("a block is open at message_delta");
                        answer.Stop.ShouldBeNull("a second message_delta");
                        e.At("usage", "output_tokens").ShouldNotBeNull();
                    }

                    answer = answer with { Stop = StopOf(e.At("delta", "stop_reason").Str()) };
                    foreach (var (name, value) in e["usage"]?.AsObject() ?? [])
                    {
                        if (value is not null) usage![name] = value.DeepClone();
                    }

                    break;
                case "message_stop":
                    if (strict) answer.Stop.ShouldNotBeNull("no stop_reason");
                    answer = answer with { Complete = true };
                    ended = true;
                    break;
                case "error":
                    answer = answer with { Error = ReadErrorObject(e) };
                    if (strict) answer.Stop.ShouldBeNull("an error after stop_reason");
                    ended = true;
                    break;
                case "ping":
                    break;
                default:
                    throw new InvalidOperationException($"An event {type}");
            }
        }

        if (open is not null) blocks.Add(open); // cut
        var said = ReadContent(blocks);
        return said with { Stop = answer.Stop, Complete = answer.Complete, Error = answer.Error, Usage = answer.Complete ? ReadUsage(usage) : null };
    }

    public override Answer ReadWhole(JsonNode body)
    {
        body["type"].Str().ShouldBe("message");
        body["role"].Str().ShouldBe("assistant");
        body["id"].Str().ShouldStartWith("msg_");
        return ReadContent(body["content"]) with { Stop = StopOf(body["stop_reason"].Str()), Usage = ReadUsage(body["usage"]) };
    }

    public override string ReadError(int status, JsonNode body)
    {
        body["type"].Str().ShouldBe("error");
        body["request_id"].Str().ShouldNotBeEmpty();
        return ReadErrorObject(body);
    }

    /// <summary>What an assistant's content says.</summary>
    public static Answer ReadContent(JsonNode? content)
    {
        var answer = new Answer { Text = content.Str(), Raw = content as JsonArray };
        foreach (var block in content.Items())
        {
            answer = block["type"].Str() switch
            {
                "text" => answer with
                {
                    Text = answer.Text + block["text"].Str(),
                    Sources = [.. answer.Sources, .. block["citations"].Items().Select(c => c["url"].Str()).Where(u => u.Length > 0)],
                },
                "thinking" => answer with { Reasoning = answer.Reasoning + block["thinking"].Str(), ReasoningSignature = block["signature"].StrOrNull() ?? answer.ReasoningSignature },
                "redacted_thinking" => answer with { Redacted = block["data"].Str() },
                "tool_use" => answer with { Calls = [.. answer.Calls, new Call(block["id"].Str(), block["name"].Str(), block["input"]!.ToJsonString())] },
                "mcp_tool_use" => answer with
                {
                    ServerCalls = [.. answer.ServerCalls, new ServerCall(block["server_name"].Str(), block["name"].Str(), block["input"]!.ToJsonString(), "", false)],
                },
                "mcp_tool_result" => answer with
                {
                    // Each belongs to a call before it; in these tests there is one at a time.
                    ServerCalls = [.. answer.ServerCalls.Take(answer.ServerCalls.Count - 1), answer.ServerCalls[^1] with
                    {
                        Output = string.Concat(block["content"].Items().Select(c => c["text"].Str())),
                        IsError = (bool)block["is_error"]!,
                    }],
                },
                _ => answer,
            };
        }

        return answer;
    }

    private static void Add(JsonObject open, JsonNode delta, StringBuilder json, bool strict)
    {
        var (type, block) = (delta["type"].Str(), open["type"].Str());
        if (strict)
        {
            var calls = block is "tool_use" or "mcp_tool_use";
            (calls ? "tool_use" : block).ShouldBe(type switch { "text_delta" or "citations_delta" => "text", "input_json_delta" => "tool_use", "thinking_delta" or "signature_delta" => "thinking", _ => "?" }, $"{type} in a {block}");
        }

        switch (type)
        {
            case "text_delta":
                open["text"] = open["text"].Str() + delta["text"].Str();
                break;
            case "thinking_delta":
                open["thinking"] = open["thinking"].Str() + delta["thinking"].Str();
                break;
            case "signature_delta":
                open["signature"] = open["signature"].Str() + delta["signature"].Str();
                break;
            case "input_json_delta":
                json.Append(delta["partial_json"].Str());
                break;
            case "citations_delta":
                if (open["citations"] is not JsonArray citations) open["citations"] = citations = [];
                citations.Add(delta["citation"]!.DeepClone());
                break;
        }
    }

    private static string ReadErrorObject(JsonNode body)
    {
        body.At("error", "type").Str().ShouldEndWith("_error");
        return body.At("error", "message").Str();
    }

    private static string StopOf(string reason) => reason switch
    {
        "end_turn" or "stop_sequence" => "stop",
        "max_tokens" or "model_context_window_exceeded" => "length",
        "tool_use" => "calls",
        "refusal" => "filter",
        _ => reason,
    };

    private static Tokens ReadUsage(JsonNode? usage)
    {
        var (cached, written) = (usage.At("cache_read_input_tokens").Num(), usage.At("cache_creation_input_tokens").Num());
        return new Tokens(usage.At("input_tokens").Num() + cached + written, usage.At("output_tokens").Num()) { Cached = cached, CacheWrite = written };
    }

    private static (string Role, IEnumerable<JsonNode> Content) Message(Turn turn)
    {
        switch (turn)
        {
            case UserTurn user:
                var content = new List<JsonNode>();
                if (user.Image is { } image)
                {
                    content.Add(image.StartsWith("http", StringComparison.Ordinal)
                        ? J($$$"""{"type":"image","source":{"type":"url","url":{{{Q(image)}}}}}""")!
                        : J($$$"""{"type":"image","source":{"type":"base64","media_type":"image/png","data":{{{Q(image)}}}}}""")!);
                }

                content.Add(new JsonObject { ["type"] = "text", ["text"] = user.Text });
                return ("user", content);
            case ResultTurn result:
                return ("user", [new JsonObject { ["type"] = "tool_result", ["tool_use_id"] = result.Id, ["content"] = result.Output }]);
            case AssistantTurn { Said: var said }:
                return ("assistant", said.Raw?.Select(b => b!.DeepClone()) ?? MessagesProvider.Content(said));
            default:
                throw new NotSupportedException();
        }
    }
}
